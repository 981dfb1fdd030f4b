import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.callbacks.convergence import LayerConvergence, read_convergence
from zfnet.model import Deconvnet


@pytest.fixture
def net():
    layers = [keras.layers.Conv2D(2, 3, name="conv1"), keras.layers.Flatten(), keras.layers.Dense(2, name="predictions")]
    made = keras.Sequential([keras.Input((5, 4, 3)), *layers])
    for layer in (made.get_layer("conv1"), made.get_layer("predictions")):
        layer.kernel.assign(tf.ones_like(layer.kernel))
    return made


@pytest.fixture
def measure(net, tmp_path):
    """Makes it anew, as the next process would."""

    def make(resumed=None):
        writer = tf.summary.create_file_writer(str(tmp_path / "logs"))
        return LayerConvergence(Deconvnet(net).graph, tmp_path / "convergence", tmp_path / "evolution", writer, resumed)

    return make


def look(tmp_path, epoch, strongest):
    (tmp_path / "evolution").mkdir(exist_ok=True)
    np.savez(tmp_path / "evolution" / f"epoch-{epoch:04d}.npz", **{"conv1/strongest": np.array(strongest), "conv1/maps": [0]})


def test_change_of_an_epoch_is_relative_to_its_beginning(measure, net, tmp_path):
    convergence, kernel = measure(), net.get_layer("conv1").kernel
    for epoch, factor in enumerate([1.5, 1.0, 3.0]):
        convergence.begin(epoch)
        kernel.assign(kernel * factor)
        convergence.end(epoch + 1)
    found = read_convergence(tmp_path / "convergence", 3)["weight_change"]
    assert found["conv1"] == {1: pytest.approx(0.5), 2: 0.0, 3: pytest.approx(2.0)}
    assert found["predictions"] == {1: 0.0, 2: 0.0, 3: 0.0}
    assert list(read_convergence(tmp_path / "convergence", 1)["weight_change"]["conv1"]) == [1]


def test_an_epoch_that_is_taken_up_in_its_middle_is_measured_from_its_beginning(measure, net, tmp_path):
    kernel = net.get_layer("conv1").kernel
    measure().begin(0)
    kernel.assign(kernel * 1.5)
    resumed = measure(0)
    resumed.begin(0)
    kernel.assign(kernel * 2)
    resumed.end(1)
    assert read_convergence(tmp_path / "convergence", 1)["weight_change"]["conv1"] == {1: pytest.approx(2.0)}


def test_kernels_of_the_epoch_before_stay_and_missing_ones_are_no_number(measure, net, tmp_path):
    convergence = measure()
    for epoch in range(3):
        convergence.begin(epoch)
        convergence.end(epoch + 1)
    assert sorted(path.name for path in (tmp_path / "convergence").glob("kernels-*")) == ["kernels-0001.npz", "kernels-0002.npz"]
    for file in (tmp_path / "convergence").glob("kernels-*"):
        file.unlink()
    resumed = measure(2)
    for epoch in (2, 3):
        resumed.begin(epoch)
        resumed.end(epoch + 1)
    assert list(read_convergence(tmp_path / "convergence", 4)["weight_change"]["conv1"]) == [1, 2, 4]


def test_share_of_maps_with_another_strongest_example(measure, tmp_path):
    convergence = measure()
    for epoch, strongest in enumerate([[7, 3], None, [7, 4], [7, 4]]):
        convergence.begin(epoch)
        if strongest:
            look(tmp_path, epoch + 1, strongest)
        convergence.end(epoch + 1)
    # Nothing to compare with at the first look, and none at the second epoch.
    assert read_convergence(tmp_path / "convergence", 4)["strongest_changed"] == {"conv1": {3: 0.5, 4: 0.0}}


def test_tensorboard_has_a_scalar_a_layer_at_the_epoch(measure, tmp_path):
    convergence = measure()
    convergence.begin(4)
    convergence.end(5)
    (file,) = (tmp_path / "logs").iterdir()
    shown = {
        value.tag: event.step for event in tf.compat.v1.train.summary_iterator(str(file)) for value in event.summary.value if value.tag
    }
    assert shown == {"weight_change/conv1": 5, "weight_change/predictions": 5}


def test_nested_shared_and_separable_layers_count_once_each(tmp_path):
    layers = keras.layers
    two = layers.SeparableConv2D(3, 3, padding="same", name="two")
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 1, name="conv1"), two])
    shared, images = layers.Conv2D(3, 3, padding="same", name="shared"), keras.Input((8, 8, 3))
    net = keras.Model(images, layers.Conv2D(2, 1, name="conv1")(shared(shared(inner(images)))))
    convergence = LayerConvergence(Deconvnet(net).graph, tmp_path / "convergence", tmp_path / "evolution", tf.summary.create_noop_writer())
    convergence.begin(0)
    size = np.sqrt(np.square(two.depthwise_kernel).sum() + np.square(two.pointwise_kernel).sum())
    two.pointwise_kernel.assign(two.pointwise_kernel + 1.0)
    shared.kernel.assign(shared.kernel * 1.25)
    convergence.end(1)
    found = read_convergence(tmp_path / "convergence", 1)["weight_change"]
    outer, nested = (next(name for name in found if name.endswith("conv1") and ("/" in name) == is_nested) for is_nested in (False, True))
    assert found == {
        nested: {1: 0.0},
        "two": {1: pytest.approx(3 / size, rel=1e-5)},
        "shared": {1: pytest.approx(0.25)},
        outer: {1: 0.0},
    }


def test_a_training_goes_on_if_its_kernels_are_the_same(measure, net, tmp_path):
    convergence, kernel = measure(), net.get_layer("conv1").kernel
    assert convergence.epochs() == 0
    assert not convergence.goes_on(0)
    convergence.begin(0)
    convergence.end(1)
    convergence.begin(1)
    assert measure().epochs() == 1
    assert measure().goes_on(1)
    kernel.assign(kernel * 2)
    assert not measure().goes_on(1)
    # Another `fit` of the same model may begin with other weights.
    convergence.begin(1, anew=True)
    assert measure().goes_on(1)
    convergence.remove_after(0)
    assert sorted(path.name for path in (tmp_path / "convergence").iterdir()) == ["kernels-0000.npz"]
