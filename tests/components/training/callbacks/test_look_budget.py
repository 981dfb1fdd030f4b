from zfnet.components.training.callbacks.look_budget import LookBudget


def test_as_many_images_as_fit_and_never_more_than_before():
    budget = LookBudget(0.05, images=1000)
    budget.add_look(searching=10.0, drawing=30.0)  # The first look compiles.
    budget.add_epoch(100.0)
    # Four fifths of five seconds are for searches, at a hundredth of a second an image.
    assert budget.images == 400
    budget.add_look(searching=4.0, drawing=1.0)
    budget.add_epoch(100.0)
    assert budget.images == 300
    budget.add_epoch(900.0)
    assert budget.images == 300
    budget.add_epoch(1.0)
    assert budget.images == 64


def test_a_look_is_affordable_as_long_as_all_stay_within_the_share():
    budget = LookBudget(0.05, images=100)
    budget.add_look(searching=1.0, drawing=30.0)
    assert not budget.affords()
    budget.add_epoch(10.0)
    # The search gets 0.4 of half a second; at least 64 images are searched.
    assert budget.images == 64
    assert not budget.affords()
    budget.add_epoch(10.0)
    assert budget.affords()
    budget.add(0.4)
    assert not budget.affords()


def test_steady_epochs_keep_their_share():
    budget, looks = LookBudget(0.05, images=1000), 0
    budget.add_look(searching=1.0, drawing=9.0)
    for _ in range(50):
        budget.add_epoch(2.0)
        if budget.affords():
            budget.add_look(searching=budget.images * 0.001, drawing=0.25)
            looks += 1
    assert 0.04 * 100 < budget.taken <= 0.05 * 100 + 0.2
    assert looks > 10


def test_without_a_share_all_images_are_searched():
    budget = LookBudget(None, images=1000)
    assert not budget.is_new
    budget.add_look(searching=1.0, drawing=1.0)
    budget.add_epoch(0.001)
    budget.add_look(searching=1.0, drawing=1.0)
    budget.add_epoch(0.001)
    assert (budget.images, budget.affords()) == (1000, True)
