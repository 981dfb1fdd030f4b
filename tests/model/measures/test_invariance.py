import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet
from zfnet.model.measures.invariance import invariance, untransformed

layers = keras.layers
STRIDE = 2
CLASSES = np.array([2, 0, 1])


@pytest.fixture(scope="module")
def net():
    """A net that does not see where things are: it pools over the whole image. Not square."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((30, 22, 3)),
            layers.Conv2D(5, 3, strides=STRIDE, activation="relu", name="first"),
            layers.GlobalMaxPooling2D(name="pooled"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


@pytest.fixture(scope="module")
def images():
    """Something in the middle of black, far enough from the border to be moved by three strides."""
    images = np.zeros((3, 30, 22, 3), np.float32)
    images[:, 10:20, 8:15] = np.random.default_rng(0).uniform(0, 255, (3, 10, 7, 3))
    return images


def moved(images, shifts):
    return (np.roll(images, shift, axis=1) for shift in shifts)


def test_translation_by_whole_strides_changes_nothing_behind_a_global_pooling(net, images):
    deconvnet = Deconvnet(net)
    reference = untransformed(deconvnet, images, ["first", "pooled"])
    shifts = [-6, -4, -1, 0, 1, 2, 6]
    found = invariance(deconvnet, reference, moved(images, shifts), CLASSES)
    whole = np.array(shifts) % STRIDE == 0
    scale = reference.between["pooled"]
    assert found.distances["pooled"].shape == (3, 7)
    assert found.distances["pooled"][:, whole].max() < 1e-5 * scale
    assert found.distances["pooled"][:, ~whole].min() > 1e-3 * scale
    assert found.distances["first"][:, np.array(shifts) != 0].min() > 0.1 * reference.between["first"]
    assert found.distances["first"][:, 3].max() < 1e-5 * reference.between["first"]
    unmoved = np.broadcast_to(found.probabilities[:, 3:4], (3, whole.sum()))
    np.testing.assert_allclose(found.probabilities[:, whole], unmoved, rtol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_values_are_those_of_the_model_image_by_image(net, images, batch_size):
    deconvnet = Deconvnet(net)
    images = images + np.random.default_rng(1).uniform(0, 20, images.shape).astype(np.float32)
    reference = untransformed(deconvnet, images, ["first", "classes"], batch_size)
    found = invariance(deconvnet, reference, moved(images, [1, 5]), CLASSES, batch_size)
    first = keras.Model(net.inputs[0], net.get_layer("first").output)
    for number, image in enumerate(images):
        for step, shift in enumerate([1, 5]):
            other = np.roll(image, shift, axis=0)
            expected = np.sqrt(((np.asarray(first(image[None])) - np.asarray(first(other[None]))) ** 2).sum())
            np.testing.assert_allclose(found.distances["first"][number, step], expected, rtol=1e-4)
            probability = np.asarray(net(other[None]))[0, CLASSES[number]]
            np.testing.assert_allclose(found.probabilities[number, step], probability, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(reference.probabilities, net.predict(images, verbose=0), rtol=1e-4, atol=1e-7)


def test_between_is_the_mean_over_pairs(net, images):
    reference = untransformed(Deconvnet(net), images, ["pooled"])
    pooled = np.asarray(keras.Model(net.inputs[0], net.get_layer("pooled").output)(images))
    expected = np.mean([np.linalg.norm(pooled[one] - pooled[other]) for one, other in ((0, 1), (0, 2), (1, 2))])
    np.testing.assert_allclose(reference.between["pooled"], expected, rtol=1e-4)
    assert untransformed(Deconvnet(net), images[:1], ["pooled"]).between == {"pooled": None}


def test_a_model_without_classes_has_distances_alone(images):
    deconvnet = Deconvnet(keras.Sequential([keras.Input((30, 22, 3)), layers.Conv2D(5, 3, name="first")]))
    reference = untransformed(deconvnet, images, ["first"])
    found = invariance(deconvnet, reference, moved(images, [3]))
    assert reference.probabilities is None
    assert found.probabilities is None
    assert found.distances["first"].shape == (3, 1)


def test_channels_first_gives_the_same(images):
    keras.utils.set_random_seed(0)
    last = keras.Sequential([keras.Input((30, 22, 3)), layers.Conv2D(5, 3, name="a")])
    first = keras.Sequential([keras.Input((3, 30, 22)), layers.Conv2D(5, 3, data_format="channels_first", name="a")])
    first.set_weights(last.get_weights())
    found = []
    for model, axes in ((last, (0, 1, 2, 3)), (first, (0, 3, 1, 2))):
        deconvnet = Deconvnet(model)
        reference = untransformed(deconvnet, images.transpose(axes), ["a"])
        found.append(invariance(deconvnet, reference, (each.transpose(axes) for each in moved(images, [0, 2]))).distances["a"])
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-3)


def test_what_is_no_number_is_an_error(images):
    net = keras.Sequential(
        [keras.Input((30, 22, 3)), layers.Conv2D(5, 3, bias_initializer=keras.initializers.Constant(np.nan), name="first")]
    )
    with pytest.raises(ValueError, match="Layer 'first' has activations that are not finite numbers"):
        untransformed(Deconvnet(net), images, ["first"])


def test_a_model_without_classes_has_no_probabilities_whatever_the_images_are_of(net, images):
    deconvnet = Deconvnet(keras.Model(net.inputs, net.get_layer("pooled").output))
    reference = untransformed(deconvnet, images, ["pooled"])
    assert invariance(deconvnet, reference, moved(images, [1]), CLASSES).probabilities is None
