import pytest

from zfnet.components.training.callbacks.look_schedule import LookSchedule


class Purse:
    """A budget that can afford a look when a test says so."""

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


def test_what_is_too_dear_is_made_up_for(purse):
    schedule = LookSchedule(None, purse)
    schedule.total, purse.rich = 30, False
    assert not any(schedule.is_due(epoch) for epoch in range(1, 12))
    purse.rich = True
    assert [epoch for epoch in range(12, 31) if schedule.is_due(epoch)] == [12, 20, 30]
    purse.rich = False
    assert schedule.is_due(30)


def test_named_epochs_are_looked_at_whatever_they_cost(purse):
    purse.rich = False
    schedule = LookSchedule({0, 3, 7}, purse)
    assert looks(schedule, 9) == [3, 7]
    assert all(schedule.is_shown(epoch) for epoch in (3, 7))
