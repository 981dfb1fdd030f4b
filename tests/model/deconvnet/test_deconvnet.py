"""The projection against two other ways of computing it: matrices worked out by hand, and autodiff with changed gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet, build


def photographs(count, height, width):
    return np.random.default_rng(count).normal(scale=50, size=(count, height, width, 3)).astype("float32")


@pytest.fixture(scope="module", params=["zfnet-small", "alexnet-small"])
def net(request):
    keras.utils.set_random_seed(3)
    # Not square, so that height and width can't be exchanged unseen; biases, so that one that is not left out shows.
    model = build(request.param, (96, 80, 3), 7)
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
            layer.bias.assign(tf.random.normal(layer.bias.shape, stddev=0.02))
    return model


@pytest.mark.parametrize("count", [1, 3])
def test_equals_autodiff_with_changed_gradients(net, count, equals_autodiff):
    layers = ["conv1", "norm1", "pool1", "conv2", "conv3", "conv5", "pool5", "fc6", "predictions"]
    equals_autodiff(net, photographs(count, 96, 80), layers, corners=False)


def test_gradient_deconvnet_and_guided_backpropagation_differ(net, by_autodiff):
    images = photographs(2, 96, 80)
    (activations,) = Deconvnet(net).activations(images, ["conv4"])
    unit = int(np.asarray(activations).max(axis=(1, 2)).min(axis=0).argmax())  # One that is active in both.
    autodiffs = [by_autodiff(net, images, way) for way in ("gradient", "deconvnet", "guided")]
    gradient, deconvnet, guided = (autodiff.project(autodiff.value("conv4"), unit) for autodiff in autodiffs)
    for one, other in ((gradient, deconvnet), (deconvnet, guided), (gradient, guided)):
        assert np.abs(one - other).max() > 0.01 * np.abs(deconvnet).max()


def test_four_by_four_image_and_three_by_three_filter_worked_by_hand():
    # As matrices: y = C x with C of 4 rows, one an output position, and 16 columns, one a pixel; the projection is C^T y.
    filter_ = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], "float32")
    matrix = np.zeros((4, 16), "float32")
    matrix[0, [0, 1, 2, 4, 5, 6, 8, 9, 10]] = filter_.ravel()
    matrix[1, [1, 2, 3, 5, 6, 7, 9, 10, 11]] = filter_.ravel()
    matrix[2, [4, 5, 6, 8, 9, 10, 12, 13, 14]] = filter_.ravel()
    matrix[3, [5, 6, 7, 9, 10, 11, 13, 14, 15]] = filter_.ravel()
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 3, activation="relu", name="conv")])
    model.layers[0].set_weights([filter_[:, :, None, None], np.array([5.0])])
    image = np.arange(16, dtype="float32")
    activations = matrix @ image + 5
    recording = Deconvnet(model).record(image.reshape(1, 4, 4, 1))
    np.testing.assert_allclose(recording.activations("conv").numpy().ravel(), activations)
    for position in range(4):
        single = np.zeros(4, "float32")
        single[position] = activations[position]
        projected = recording.project("conv", 0, divmod(position, 2))
        np.testing.assert_allclose(projected.ravel(), matrix.T @ single)


def test_model_is_left_as_it_was(net):
    before = [weight.numpy() for weight in net.weights], net.get_config(), net(photographs(2, 96, 80)).numpy()
    Deconvnet(net).project(photographs(2, 96, 80), "conv5", 3)
    after = [weight.numpy() for weight in net.weights], net.get_config(), net(photographs(2, 96, 80)).numpy()
    assert all(np.array_equal(one, other) for one, other in zip(before[0], after[0], strict=True))
    assert before[1] == after[1]
    np.testing.assert_array_equal(before[2], after[2])


def test_follows_the_weights_when_they_change():
    model = keras.Sequential([keras.Input((6, 5, 3)), keras.layers.Conv2D(2, 3, activation="relu", name="conv")])
    deconvnet, images = Deconvnet(model), np.ones((1, 6, 5, 3), "float32")
    model.layers[0].set_weights([np.ones((3, 3, 3, 2)), np.zeros(2)])
    once = deconvnet.project(images, "conv", 0, (1, 1))
    model.layers[0].set_weights([np.full((3, 3, 3, 2), 2.0), np.zeros(2)])
    np.testing.assert_allclose(deconvnet.project(images, "conv", 0, (1, 1)), 4 * once)


def test_images_of_another_shape_are_refused(net):
    with pytest.raises(ValueError, match=r"images have shape \(2, 80, 96, 3\); this model takes \(None, 96, 80, 3\)"):
        Deconvnet(net).record(photographs(2, 80, 96))
