import dataclasses
import inspect
import typing

import pytest

from zfnet.components.training.recipe import Recipe, divisible_batch_size, takes_recipe


def test_xla_and_determinism_exclude_each_other():
    with pytest.raises(ValueError, match="xla is True, and deterministic too"):
        Recipe(xla=True).check()


@pytest.mark.parametrize(
    ("examples", "epochs", "batch", "chosen"),
    [(4500, None, 64, 10), (40, None, 5, 60), (1_281_167, None, 64, 10), (4500, 7, 64, 7), (3, None, 1, 60)],
)
def test_open_choices_follow_from_the_number_of_examples(examples, epochs, batch, chosen):
    recipe = Recipe(epochs=epochs)
    assert (recipe.batch_for(examples), recipe.epochs_for(examples)) == (batch, chosen)


def test_a_batch_that_was_asked_for_is_taken_as_far_as_there_are_examples():
    recipe = Recipe(batch_size=64)
    assert (recipe.batch_for(100), recipe.batch_for(40)) == (64, 40)


def test_small_batches_get_smaller_steps_unless_both_were_chosen():
    recipe = Recipe(learning_rate=0.01)
    assert [recipe.learning_rate_for(examples) for examples in (4500, 256)] == [0.01, 0.005]
    assert Recipe(batch_size=8, learning_rate=0.01).learning_rate_for(4500) == 0.01
    sizes = [8, 64, 128]
    assert [Recipe(architecture="zfnet", batch_size=size).learning_rate_for(4500) for size in sizes] == [0.00125, 0.01, 0.01]


def test_every_replica_has_the_same_share():
    assert [divisible_batch_size(batch, 3) for batch in (64, 3, 1)] == [63, 3, 3]


def test_where_nothing_was_chosen_the_architecture_says_how_it_learns():
    def learns(architecture, rate=None):
        recipe = Recipe(architecture=architecture, batch_size=64, learning_rate=rate)
        return recipe.learning_rate_for(4500), recipe.row.schedule

    assert learns("zfnet") == learns("alexnet") == (0.01, "plateau")  # The paper's.
    assert learns("zfnet-small") == learns("alexnet-small") == (0.02, "cosine")
    assert learns("zfnet-small:learning_rate=0.5,schedule=plateau") == (0.5, "plateau")
    assert learns("zfnet-small", 0.03) == (0.03, "cosine")


def test_strong_augmentation_ends_where_the_rate_is_low():
    def strong_epochs(architecture, **choices):
        return Recipe(architecture=architecture, batch_size=64, **choices).strong_epochs_for(4500)

    assert strong_epochs("zfnet-small") == strong_epochs("zfnet") == 0
    assert strong_epochs("zfnet-small", augmentation="strong") == 4
    # Nobody knows when a rate that falls on plateaus will be low.
    assert strong_epochs("zfnet", augmentation="strong") == 10


def test_the_rate_falls_over_the_same_epochs_however_many_are_trained():
    recipes = [Recipe(epochs=epochs, batch_size=64, augmentation="strong") for epochs in (3, None, 30)]
    assert [recipe.decay_epochs_for(4000) for recipe in recipes] == [10] * 3
    assert recipes[1].epochs_for(4000) == 10
    assert [recipe.strong_epochs_for(4000) for recipe in recipes] == [4] * 3
    longer = Recipe(epochs=30, batch_size=64, augmentation="strong", decay_epochs=30)
    assert (longer.decay_epochs_for(4000), longer.strong_epochs_for(4000)) == (30, 12)


@pytest.mark.parametrize(
    ("choice", "message"),
    [({"augmentation": "weak"}, "augmentation is 'weak'; expected one of: paper, strong"), ({"decay_epochs": 0}, "decay_epochs is 0")],
)
def test_what_is_no_choice_is_refused(choice, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**choice).check()


def test_a_step_that_takes_a_recipe_declares_its_fields():
    @takes_recipe
    def step(*, place: str, **choices): ...

    declared = inspect.signature(step).parameters
    assert list(declared) == ["place", *(field.name for field in dataclasses.fields(Recipe))]
    assert {name: declared[name].default for name in ("epochs", "crops")} == {"epochs": None, "crops": "ten"}
    assert typing.get_type_hints(step)["epochs"] == int | None
