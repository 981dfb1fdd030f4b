import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet, build, project_strongest
from zfnet.model.measures.contributions import strongest_contributions

LAYERS = ["conv1", "conv5", "fc7", "predictions"]


@pytest.fixture(scope="module")
def deconvnet():
    keras.utils.set_random_seed(5)
    return Deconvnet(build("zfnet-small", (96, 80, 3), 4))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(scale=50, size=(14, 96, 80, 3)).astype("float32")


def by_keras(model, images, layer):
    """Products of activations and gradients, from layers that are called one by one; and the predicted classes."""
    names = [each.name for each in model.layers]
    below = keras.Model(model.inputs[0], model.get_layer(layer).output)(images)
    with tf.GradientTape() as tape:
        tape.watch(below)
        values = below
        for each in model.layers[names.index(layer) + 1 :]:
            values = values @ each.kernel + each.bias if each.name == "predictions" else each(values, training=False)
        total = tf.reduce_sum(tf.reduce_max(values, axis=1))
    return below.numpy(), (below * tape.gradient(total, below)).numpy(), values.numpy().argmax(axis=1)


@pytest.mark.parametrize("layer", LAYERS[:3])
def test_equals_gradients_of_keras(deconvnet, images, layer):
    values, products, predicted = by_keras(deconvnet.model, images, layer)
    found = strongest_contributions(deconvnet, [images[:5], images[5:]], LAYERS, k=3)[layer]
    spatial = tuple(range(1, values.ndim - 1))
    sums = products.sum(axis=spatial).T
    for unit in range(0, len(sums), 7):
        expected = -np.sort(-sums[unit])[:3]
        expected = expected[expected > 0]
        count = len(expected)
        np.testing.assert_allclose(found.contributions[unit, :count], expected, rtol=2e-3, atol=1e-6 * np.abs(sums).max())
        assert (found.strongest.examples[unit, count:] == -1).all()
        for rank in range(count):
            example = found.strongest.examples[unit, rank]
            np.testing.assert_allclose(sums[unit, example], found.contributions[unit, rank], rtol=2e-3, atol=1e-6 * np.abs(sums).max())
            assert found.predicted[unit, rank] == predicted[example]
            place = (example, *found.strongest.positions[unit, rank], unit)
            np.testing.assert_allclose(products[place], products[example, ..., unit].max(), rtol=2e-3, atol=1e-6)
            np.testing.assert_allclose(found.strongest.values[unit, rank], values[place], rtol=1e-4)


def test_logits_contribute_to_themselves_alone(deconvnet, images):
    found = strongest_contributions(deconvnet, [images], ["predictions"], k=14)["predictions"]
    logits = deconvnet.activations(images, ["predictions"])[0].numpy()
    for unit in range(4):
        won = np.flatnonzero((logits.argmax(axis=1) == unit) & (logits[:, unit] > 0))
        assert sorted(number for number in found.strongest.examples[unit].tolist() if number >= 0) == won.tolist()
        np.testing.assert_allclose(np.sort(logits[won, unit])[::-1], found.contributions[unit, : len(won)], rtol=1e-5)


def test_one_sigmoid_has_two_logits():
    keras.utils.set_random_seed(1)
    net = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, activation="relu", name="units"), keras.layers.Dense(1, activation="sigmoid", name="yes")]
    )
    inputs = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    units, logits = (each.numpy() for each in Deconvnet(net).activations(inputs, ["units", "yes"]))
    found = strongest_contributions(net, [inputs], ["units"], k=1)["units"]
    products = units * np.sign(logits) * net.get_layer("yes").kernel.numpy()[:, 0]
    np.testing.assert_allclose(found.contributions[:, 0], np.where(products.max(axis=0) > 0, products.max(axis=0), -np.inf), rtol=1e-4)
    known = found.strongest.examples[:, 0] >= 0
    assert found.predicted[known, 0].tolist() == (logits[found.strongest.examples[known, 0], 0] > 0).astype(int).tolist()


def test_they_can_be_projected(deconvnet, images):
    found = strongest_contributions(deconvnet, [images], ["conv5"], k=1)["conv5"].strongest
    units = np.flatnonzero((found.examples[:, 0] >= 0) & (found.values[:, 0] > 0))[:3]
    parts = list(project_strongest(deconvnet, [images], {"conv5": found}, {"conv5": (units, np.zeros_like(units))}))
    assert sorted(np.concatenate([part.units for part in parts])) == units.tolist()


def test_a_net_without_classes_and_no_images(deconvnet):
    net = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.Conv2D(2, 3, activation="relu", name="maps")])
    with pytest.raises(ValueError, match="no classes to which units could contribute"):
        strongest_contributions(net, [np.zeros((1, 9, 9, 3))], ["maps"])
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="units"), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="'units' has activations that are not finite"):
        strongest_contributions(plain, [np.full((1, 3), np.nan, "float32")], ["units"])
    with pytest.raises(ValueError, match="no images"):
        strongest_contributions(deconvnet, [], ["conv1"])


def test_positions_lie_in_the_map_of_their_own_image():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    maps = [layers.Conv2D(3, 3, activation="relu", name="maps"), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    net = Deconvnet(keras.Sequential([keras.Input((None, None, 3)), *maps]))
    sizes = (20, 32), (12, 40)
    batches = [np.random.default_rng(seed).normal(size=(3, *size, 3)).astype("float32") for seed, size in enumerate(sizes)]
    found = strongest_contributions(net, batches, ["maps"], k=6)["maps"].strongest
    for unit in range(3):
        for example, position, value in zip(found.examples[unit], found.positions[unit], found.values[unit], strict=True):
            if example >= 0:
                (map_,) = net.activations(batches[example // 3][example % 3 :][:1], ["maps"])
                np.testing.assert_allclose(map_[(0, *position, unit)], value, rtol=1e-5)
