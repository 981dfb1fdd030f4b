"""The projection against two other ways of computing it: matrices worked out by hand, and autodiff with changed gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet, build
from zfnet.model.net.contrast_normalization import ContrastNormalization


@tf.custom_gradient
def deconv_relu(inputs):
    return tf.nn.relu(inputs), lambda upstream: tf.nn.relu(upstream)


@tf.custom_gradient
def guided_relu(inputs):
    return tf.nn.relu(inputs), lambda upstream: tf.nn.relu(upstream) * tf.cast(inputs > 0, inputs.dtype)


@tf.custom_gradient
def passed_norm(inputs):
    return tf.nn.lrn(inputs, 2, 2.0, 1e-4, 0.75), lambda upstream: upstream


def by_autodiff(model, images, layer, unit, relu=deconv_relu, norm=passed_norm):
    """Gradient of each image's strongest activation, times that activation, with relu and norm replaced."""
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        signal = images
        for step in model.layers[1:]:
            if isinstance(step, keras.layers.Conv2D):
                signal = relu(tf.nn.conv2d(signal, step.kernel, step.strides, step.padding.upper()) + step.bias)
            elif isinstance(step, ContrastNormalization):
                signal = norm(signal)
            elif step.name == "predictions":
                signal = tf.matmul(signal, step.kernel) + step.bias
            elif isinstance(step, keras.layers.Dense):
                signal = relu(tf.matmul(signal, step.kernel) + step.bias)
            else:
                signal = step(signal)
            if step.name == layer:
                break
        maps = signal[..., unit]
        strongest = maps if maps.shape.rank == 1 else tf.reduce_max(maps, axis=(1, 2))
        total = tf.reduce_sum(tf.stop_gradient(strongest) * strongest)
    return tape.gradient(total, images).numpy()


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


@pytest.mark.parametrize("layer", ["conv1", "norm1", "pool1", "conv2", "conv3", "conv5", "pool5", "fc6", "predictions"])
@pytest.mark.parametrize("count", [1, 3])
def test_equals_autodiff_with_changed_gradients(net, layer, count):
    images = photographs(count, 96, 80)
    deconvnet = Deconvnet(net)
    activations = deconvnet.activations(images, [layer])[0].numpy()
    unit = int(activations.reshape(-1, activations.shape[-1]).max(0).argmax())
    expected = by_autodiff(net, images, layer, unit)
    projected = deconvnet.project(images, layer, unit)
    assert projected.shape == images.shape
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(projected, expected, atol=1e-5 * np.abs(expected).max())


def test_gradient_deconvnet_and_guided_backpropagation_differ(net):
    images = photographs(2, 96, 80)
    ways = [by_autodiff(net, images, "conv4", 3, relu) for relu in (tf.nn.relu, deconv_relu, guided_relu)]
    scale = np.abs(ways[1]).max()
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(ways[one] - ways[other]).max() > 0.01 * scale


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
