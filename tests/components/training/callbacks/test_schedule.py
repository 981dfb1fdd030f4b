import math

import keras
import pytest

from zfnet.components.training.callbacks.schedule import CosineSchedule, PlateauSchedule


@pytest.fixture
def schedule():
    made = PlateauSchedule(patience=2)
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    net.compile(keras.optimizers.SGD(0.01))
    made.set_model(net)
    made.on_train_begin()
    return made


def rates(schedule, errors, first=0):
    found = []
    for epoch, error in enumerate(errors, first):
        schedule.on_epoch_end(epoch, {"val_top1_error": error})
        found.append(round(schedule.state()["learning_rate"], 8))
    return found


def test_falls_to_a_tenth_when_the_error_has_not_fallen_for_the_patience(schedule):
    assert rates(schedule, [0.9, 0.8, 0.8, 0.8, 0.7, 0.7, 0.75, 0.7]) == [0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.0001, 0.0001]


def test_any_fall_counts(schedule):
    assert rates(schedule, [0.9, 0.8999, 0.8998, 0.8997, 0.8996])[-1] == 0.01


def test_stops_at_the_smallest_rate(schedule):
    assert rates(schedule, [0.5] * 20)[-1] == 1e-5


def test_restored_it_goes_on_counting(schedule):
    errors = [0.9, 0.8, 0.8, 0.8, 0.7, 0.7, 0.75, 0.7]
    whole = rates(schedule, errors)
    schedule.on_train_begin()
    schedule.model.optimizer.learning_rate = 0.01
    rates(schedule, errors[:3])
    state = schedule.state()
    schedule.on_train_begin()
    schedule.model.optimizer.learning_rate = 0.5
    schedule.restore(state)
    assert rates(schedule, errors[3:], first=3) == whole[3:]


def test_along_a_cosine_the_rate_falls_to_a_fiftieth_and_stays_there():
    schedule = CosineSchedule(0.04, steps=10)
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    net.compile(keras.optimizers.SGD(schedule.rate))
    schedule.set_model(net)
    found = []
    for step in range(13):
        net.optimizer.iterations.assign(step)
        found.append(schedule.state()["learning_rate"])
    expected = [0.04 * (0.02 + 0.98 * (1 + math.cos(math.pi * min(step, 10) / 10)) / 2) for step in range(13)]
    assert found == pytest.approx(expected)
    assert found[0] == pytest.approx(0.04)
    assert found[10:] == pytest.approx([0.0008] * 3)
