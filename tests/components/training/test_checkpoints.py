import dataclasses
import json
import os
import resource
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.checkpoints import Checkpoints, TrainingState
from zfnet.components.training.train_step import NEVER, Totals


def make_net(seed=0):
    keras.utils.set_random_seed(seed)
    net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(1)])
    net.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    net.train_on_batch(np.ones((2, 4)), np.ones((2, 1)))
    return net


def totals(*sums):
    return Totals(tf.constant(sums, tf.float64), tf.constant(NEVER, tf.int64))


def state_at(epoch, step=0, errors=()):
    return TrainingState(epoch, step, totals(0.1, 2, 1, 9), [{"val_top1_error": error} for error in errors])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def cut_short(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_restored_is_what_was_kept(tmp_path):
    net, other = make_net(), make_net(1)
    state = TrainingState(3, 7, totals(1 / 3, 2, 1, 9), [{"loss": 1 / 7}], {"learning_rate": 0.01, "best": None})
    Checkpoints(tmp_path).keep(net, state)
    restored = Checkpoints(tmp_path).restore(other, 5)
    assert restored.to_json() == state.to_json()
    # Weights and momentum, to the bit.
    for one, same in zip(net.weights + net.optimizer.variables, other.weights + other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, same)


def test_nothing_kept_is_the_beginning(tmp_path):
    assert Checkpoints(tmp_path / "missing").restore(make_net(), 5).to_json() == TrainingState().to_json()


def test_later_checkpoints_are_passed_over(tmp_path):
    checkpoints, net = Checkpoints(tmp_path), make_net()
    for state in (state_at(1), state_at(2), state_at(2, 5)):
        checkpoints.keep(net, state)
    assert [checkpoints.restore(net, epochs).epoch for epochs in (3, 2, 1)] == [2, 2, 1]
    assert [checkpoints.restore(net, epochs).step for epochs in (3, 2)] == [5, 0]


@pytest.mark.parametrize("damage", [cut_short, os.remove, lambda file: file.write_bytes(file.read_bytes()[:-1] + b"?")])
@pytest.mark.parametrize("file", ["variables.npz", "state.json"])
def test_the_one_before_is_taken_where_the_last_is_damaged(tmp_path, file, damage):
    checkpoints, net = Checkpoints(tmp_path), make_net()
    checkpoints.keep(net, state_at(1))
    checkpoints.keep(net, state_at(2))
    damage(tmp_path / "epoch-0002" / file)
    assert checkpoints.restore(net, 5).epoch == 1
    damage(tmp_path / "epoch-0001" / file)
    if damage is os.remove:  # as where the first was being sent to a storage when the machine went down
        assert checkpoints.restore(net, 5).epoch == 0
    else:
        with pytest.raises(ValueError, match=r"No checkpoint in .* can be read"):
            checkpoints.restore(net, 5)


def test_the_last_few_and_the_best_stay(tmp_path):
    checkpoints, net, errors = Checkpoints(tmp_path), make_net(), [0.5, 0.2, 0.4, 0.2, 0.3]
    for epoch in range(1, 6):
        checkpoints.keep(net, state_at(epoch, errors=errors[:epoch]))
    assert names(tmp_path) == ["epoch-0002", "epoch-0004", "epoch-0005"]
    checkpoints.keep(net, state_at(5, 3, errors))
    checkpoints.keep(net, state_at(5, 6, errors))
    checkpoints.keep(net, state_at(5, 9, errors))
    # Those in the middle of an epoch go on from the whole ones, which stay.
    assert names(tmp_path) == ["epoch-0002", "epoch-0004", "epoch-0005", "epoch-0005-step-000006", "epoch-0005-step-000009"]
    checkpoints.keep(net, state_at(6, errors=[*errors, 0.1]))
    assert names(tmp_path) == ["epoch-0005", "epoch-0005-step-000009", "epoch-0006"]


def test_what_a_longer_training_left_stays(tmp_path):
    checkpoints, net = Checkpoints(tmp_path), make_net()
    checkpoints.keep(net, state_at(9))
    for epoch in range(1, 5):
        checkpoints.keep(net, state_at(epoch))
    assert names(tmp_path) == ["epoch-0003", "epoch-0004", "epoch-0009"]


def test_what_a_killed_writer_left_is_not_taken_and_removed(tmp_path):
    checkpoints, net = Checkpoints(tmp_path), make_net()
    checkpoints.keep(net, state_at(1))
    for name in ("epoch-0002.partial", "epoch-0001-step-000004.leaving.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "variables.npz").touch()
    (tmp_path / "convergence").mkdir()
    (tmp_path / "convergence" / "kernels-0001.npz.0123.partial").touch()
    assert checkpoints.restore(net, 5).epoch == 1
    checkpoints.clean()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["convergence", "epoch-0001", "state.json", "variables.npz"]


def test_steps_of_other_batches_are_passed_over(tmp_path):
    checkpoints, net = Checkpoints(tmp_path), make_net()
    checkpoints.keep(net, state_at(1))
    checkpoints.keep(net, dataclasses.replace(state_at(1, 5), batch_size=64))
    same, other = (checkpoints.restore(net, 5, batch_size) for batch_size in (64, 60))
    assert [(state.epoch, state.step, state.batch_size) for state in (same, other)] == [(1, 5, 64), (1, 0, 60)]


def test_places_are_in_order_however_many_digits_they_have(tmp_path):
    for name in ("epoch-10000", "epoch-9999", "epoch-0003-step-1000000", "epoch-0003-step-999999"):
        (tmp_path / name).mkdir()
        for file in ("variables.npz", "state.json"):
            (tmp_path / name / file).touch()
    written = [path.name for path in Checkpoints(tmp_path).written()]
    assert written == ["epoch-0003-step-999999", "epoch-0003-step-1000000", "epoch-9999", "epoch-10000"]


def test_a_user_is_told_of_the_place_that_is_mirrored(tmp_path):
    (tmp_path / "epoch-0001").mkdir()
    for file in ("variables.npz", "state.json"):
        (tmp_path / "epoch-0001" / file).touch()
    with pytest.raises(ValueError, match="No checkpoint in gs://bucket/checkpoints can be read"):
        Checkpoints(tmp_path, "gs://bucket/checkpoints").restore(make_net(), 5)


@pytest.fixture
def small_disk():
    """Files of this process end at 600 bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_leaves_the_one_before(tmp_path, request):
    checkpoints, net = Checkpoints(tmp_path), make_net()
    checkpoints.keep(net, state_at(1))
    request.getfixturevalue("small_disk")
    with pytest.raises(OSError, match=r"No checkpoint could be written to .* \(File too large\)\. The last one is epoch-0001;"):
        checkpoints.keep(net, state_at(2))
    assert names(tmp_path) == ["epoch-0001"]
    assert json.loads((tmp_path / "epoch-0001" / "state.json").read_text())["epoch"] == 1
    assert checkpoints.restore(net, 5).epoch == 1
