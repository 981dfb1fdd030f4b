import numpy as np
import pytest

from zfnet.components.training.callbacks.look_schedule import LookSchedule, epoch_numbers


class Purse:
    """A budget that affords a look whenever a test sets so."""

    rich = True

    def affords(self):
        return self.rich


@pytest.fixture
def purse():
    return Purse()


def looks(schedule, total, last=None):
    schedule.total = total
    return [epoch for epoch in range(1, total + 1) if schedule.is_due(epoch, epoch == last)]


def test_the_first_ten_and_those_of_the_paper(purse):
    schedule = LookSchedule(None, purse)
    assert looks(schedule, 25) == [*range(1, 11), 20, 25]
    assert [epoch for epoch in schedule.epochs if schedule.is_shown(epoch)] == [1, 2, 5, 10, 20, 25]


def test_all_of_a_short_training_are_shown(purse):
    schedule = LookSchedule(None, purse)
    assert looks(schedule, 4) == [1, 2, 3, 4]
    assert all(schedule.is_shown(epoch) for epoch in range(5))


def test_a_stopped_training_is_looked_at_in_the_end(purse):
    assert looks(LookSchedule(None, purse), 40, last=13)[:11] == [*range(1, 11), 13]


def test_a_look_that_is_too_dear_comes_later(purse):
    schedule = LookSchedule(None, purse)
    schedule.total, purse.rich = 30, False
    assert not any(schedule.is_due(epoch) for epoch in range(1, 12))
    purse.rich = True
    assert schedule.is_due(12)
    assert schedule.is_shown(12)
    assert [epoch for epoch in range(13, 31) if schedule.is_due(epoch)] == [20, 30]
    assert not schedule.is_shown(12)
    purse.rich = False
    assert schedule.is_due(30)


def test_named_epochs_are_looked_at_whatever_they_cost(purse):
    purse.rich = False
    schedule = LookSchedule({0, 3, 7}, purse)
    assert looks(schedule, 9) == [3, 7]
    assert all(schedule.is_shown(epoch) for epoch in (3, 7))


def test_many_named_epochs_are_shown_from_those_of_the_paper_on(purse):
    schedule = LookSchedule(set(range(0, 61, 3)), purse)
    schedule.total = 62
    assert [epoch for epoch in range(63) if schedule.is_shown(epoch)] == [3, 6, 12, 21, 30, 42, 60]


@pytest.mark.parametrize("epochs", [10, [-1], [1.5], [], None])
def test_anything_but_numbers_of_epochs_is_refused(epochs):
    with pytest.raises(ValueError, match=r"expected numbers of epochs, such as range\(1, 11\)"):
        epoch_numbers(epochs)
    assert epoch_numbers(np.arange(3)) == {0, 1, 2}
