import json
import math

import pytest
import tensorflow as tf

from zfnet.components.training.checkpoints import TrainingState
from zfnet.components.training.train_step import Totals, means


def totals(sums, diverged_at):
    return Totals(tf.constant(sums, tf.float64), tf.constant(diverged_at, tf.int64))


def test_numbers_are_means_over_the_examples():
    state = TrainingState(totals=totals([6.0, 2, 1, 4], -1))
    assert state.logs() == {"loss": 1.5, "top1_error": 0.5, "top5_error": 0.25}
    assert math.isnan(means(tf.zeros(4, tf.float64))["loss"])


def test_the_first_step_that_diverged_is_told():
    assert TrainingState().diverged_at is None
    assert TrainingState(totals=totals([0.0, 0, 0, 0], 12)).diverged_at == 12


def test_an_epoch_that_ends_enters_the_history():
    state = TrainingState(2, 8, totals([6.0, 2, 1, 4], -1), [{"loss": 3.0}])
    state.end_epoch({"loss": 1.5})
    assert (state.epoch, state.step, state.history) == (3, 0, [{"loss": 3.0}, {"loss": 1.5}])
    assert state.to_json()["totals"] == [0, 0, 0, 0, -1]


def test_json_keeps_every_bit():
    state = TrainingState(1, 2, totals([1 / 3, 0.1, 2, 4], -1), [{"loss": 2 / 3}], {"best": None})
    again = TrainingState.from_json(json.loads(json.dumps(state.to_json())))
    assert again.to_json() == state.to_json()
    assert again.totals.sums.dtype == tf.float64
    with pytest.raises(TypeError):
        TrainingState.from_json({"totals": [0], "unknown": 1})
