import collections

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.callbacks.summaries import EpochSummaries, LayerConvergence, read_convergence


def test_scalars_and_filters_stand_at_the_epoch_counted_from_one(tmp_path):
    model = keras.Sequential(
        [keras.Input((6, 5, 3)), keras.layers.Conv2D(4, 3, name="conv1"), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    writers = [tf.summary.create_file_writer(str(tmp_path / split)) for split in ("train", "validation")]
    summaries = EpochSummaries(*writers)
    summaries.set_model(model)
    losses, validation = [0.5, 0.25], [0.75, 0.625]
    for epoch in range(2):
        summaries.on_epoch_end(epoch, {"loss": losses[epoch], "structured": 0.75, "val_loss": validation[epoch], "learning_rate": 0.125})
    found = {split: collections.defaultdict(dict) for split in ("train", "validation")}
    for split, tags in found.items():
        for file in (tmp_path / split).iterdir():
            for event in tf.compat.v1.train.summary_iterator(str(file)):
                for value in event.summary.value:
                    tags[value.tag][event.step] = tf.make_ndarray(value.tensor)
    assert sorted(found["train"]) == ["epoch/learning_rate", "epoch/loss", "epoch/structured", "filters/conv1"]
    assert sorted(found["validation"]) == ["epoch/loss"]
    assert [found["train"]["epoch/loss"][step] for step in (1, 2)] == losses
    assert [found["validation"]["epoch/loss"][step] for step in (1, 2)] == validation
    assert found["train"]["epoch/structured"] == {1: 0.75, 2: 0.75}
    assert found["train"]["epoch/learning_rate"] == {1: 0.125, 2: 0.125}
    assert sorted(found["train"]["filters/conv1"]) == [1, 2]


@pytest.fixture
def net():
    layers = [keras.layers.Conv2D(2, 3, name="conv1"), keras.layers.Flatten(), keras.layers.Dense(2, name="predictions")]
    made = keras.Sequential([keras.Input((5, 4, 3)), *layers])
    for layer in (made.get_layer("conv1"), made.get_layer("predictions")):
        layer.kernel.assign(tf.ones_like(layer.kernel))
    return made


@pytest.fixture
def callback(net, tmp_path):
    """Makes the callback anew, as the next process would."""

    def make(resumed=None):
        writer = tf.summary.create_file_writer(str(tmp_path / "logs"))
        made = LayerConvergence(tmp_path / "convergence", tmp_path / "evolution", writer, resumed)
        made.set_model(net)
        return made

    return make


def look(tmp_path, epoch, strongest):
    (tmp_path / "evolution").mkdir(exist_ok=True)
    np.savez(tmp_path / "evolution" / f"epoch-{epoch:04d}.npz", **{"conv1/strongest": np.array(strongest), "conv1/maps": [0]})


def test_change_of_an_epoch_is_relative_to_its_beginning(callback, net, tmp_path):
    convergence, kernel = callback(), net.get_layer("conv1").kernel
    for epoch, factor in enumerate([1.5, 1.0, 3.0]):
        convergence.on_epoch_begin(epoch)
        kernel.assign(kernel * factor)
        convergence.on_epoch_end(epoch)
    found = read_convergence(tmp_path / "convergence", 3)["weight_change"]
    assert found["conv1"] == {1: pytest.approx(0.5), 2: 0.0, 3: pytest.approx(2.0)}
    assert found["predictions"] == {1: 0.0, 2: 0.0, 3: 0.0}
    assert list(read_convergence(tmp_path / "convergence", 1)["weight_change"]["conv1"]) == [1]


def test_an_epoch_that_is_taken_up_in_its_middle_is_measured_from_its_beginning(callback, net, tmp_path):
    kernel = net.get_layer("conv1").kernel
    callback().on_epoch_begin(0)
    kernel.assign(kernel * 1.5)
    resumed = callback(0)
    resumed.on_epoch_begin(0)
    kernel.assign(kernel * 2)
    resumed.on_epoch_end(0)
    assert read_convergence(tmp_path / "convergence", 1)["weight_change"]["conv1"] == {1: pytest.approx(2.0)}


def test_kernels_of_the_epoch_before_stay_and_missing_ones_are_no_number(callback, net, tmp_path):
    convergence = callback()
    for epoch in range(3):
        convergence.on_epoch_begin(epoch)
        convergence.on_epoch_end(epoch)
    assert sorted(path.name for path in (tmp_path / "convergence").glob("kernels-*")) == ["kernels-0001.npz", "kernels-0002.npz"]
    for file in (tmp_path / "convergence").glob("kernels-*"):
        file.unlink()
    resumed = callback(2)
    for epoch in (2, 3):
        resumed.on_epoch_begin(epoch)
        resumed.on_epoch_end(epoch)
    assert list(read_convergence(tmp_path / "convergence", 4)["weight_change"]["conv1"]) == [1, 2, 4]


def test_share_of_maps_with_another_strongest_example(callback, tmp_path):
    convergence = callback()
    for epoch, strongest in enumerate([[7, 3], None, [7, 4], [7, 4]]):
        convergence.on_epoch_begin(epoch)
        if strongest:
            look(tmp_path, epoch + 1, strongest)
        convergence.on_epoch_end(epoch)
    # Nothing to compare with at the first look, and none at the second epoch.
    assert read_convergence(tmp_path / "convergence", 4)["strongest_changed"] == {"conv1": {3: 0.5, 4: 0.0}}


def test_tensorboard_has_a_scalar_a_layer_at_the_epoch(callback, tmp_path):
    convergence = callback()
    convergence.on_epoch_begin(4)
    convergence.on_epoch_end(4)
    (file,) = (tmp_path / "logs").iterdir()
    shown = {
        value.tag: event.step for event in tf.compat.v1.train.summary_iterator(str(file)) for value in event.summary.value if value.tag
    }
    assert shown == {"weight_change/conv1": 5, "weight_change/predictions": 5}
