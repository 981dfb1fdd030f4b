"""The projection against two other ways of computing it: matrices worked out by hand, and autodiff with changed gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet, build
from zfnet.model.deconvnet.deconvnet import STRONGEST, traced_projection


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


BUILT = {
    "fit": ([], lambda model, images: (model.compile("sgd", "mse"), model.fit(images[:4], np.zeros((4, 3)), batch_size=2, verbose=0))),
    "a call": ([], lambda model, images: model(images[:1])),
    "batch_shape": ([keras.Input(batch_shape=(4, 24, 20, 3))], lambda model, images: None),
    "batch_size": ([keras.Input((24, 20, 3), batch_size=2)], lambda model, images: None),
}


@pytest.mark.parametrize("saved", [False, True], ids=["in memory", "saved"])
@pytest.mark.parametrize("way", BUILT)
def test_the_batch_that_built_a_model_does_not_matter(way, saved, tmp_path):
    layers, images = keras.layers, photographs(5, 24, 20)
    first, build_it = BUILT[way]
    body = (
        layers.Conv2D(4, 3, activation="relu", name="c"),
        layers.MaxPooling2D(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, name="d"),
    )
    model = keras.Sequential([*first, *body])
    build_it(model, images)
    assert model.inputs[0].shape[0] is not None
    if saved:
        model.save(tmp_path / "model.keras")
        model = keras.saving.load_model(tmp_path / "model.keras")
    same = keras.Sequential([keras.Input((24, 20, 3)), *(type(layer).from_config(layer.get_config()) for layer in model.layers)])
    same.set_weights(model.get_weights())
    found, expected = Deconvnet(model), Deconvnet(same)
    for layer in ("c", "d"):
        np.testing.assert_allclose(found.project(images, layer, 1), expected.project(images, layer, 1), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.project(images[:1], layer, 1), expected.project(images[:1], layer, 1), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"this model takes \(None, 24, 20, 3\)"):
        found.project(images[:, :20], "c", 1)


IMAGES = np.random.default_rng(0).uniform(-100, 100, (2, 64, 64, 3)).astype("float32")


@pytest.fixture(scope="module")
def deconvnet():
    return Deconvnet(build("zfnet-small", (64, 64, 3), 4, seed=1))


@pytest.fixture(scope="module")
def project(deconvnet):
    return tf.function(traced_projection(deconvnet), input_signature=[tf.TensorSpec((64, 64, 3)), *[tf.TensorSpec((), tf.int32)] * 2])


def test_equals_the_deconvnet_in_every_layer(deconvnet, project):
    recording = deconvnet.record(IMAGES[:1])
    for number, layer in enumerate(deconvnet.layers):
        activations = recording.activations(layer).numpy()[0]
        for unit in (0, activations.shape[-1] - 1):
            traced = project(IMAGES[0], number, unit)
            expected = recording.project(layer, unit)[0]
            np.testing.assert_allclose(traced.projection, expected, atol=1e-5 * max(np.abs(expected).max(), 1e-6), err_msg=layer)
            maps = activations[..., unit]
            assert float(traced.activation) == pytest.approx(maps.max(), rel=1e-5)
            assert traced.unit == unit
            place = np.unravel_index(maps.argmax(), maps.shape) if maps.ndim else (0, 0)
            assert tuple(traced.position.numpy()) == tuple(place)


def test_strongest_unit(deconvnet, project):
    recording = deconvnet.record(IMAGES)
    for layer in ("conv5", "fc7"):
        activations = recording.activations(layer).numpy()[1]
        traced = project(IMAGES[1], deconvnet.layers.index(layer), STRONGEST)
        assert traced.unit == np.unravel_index(activations.argmax(), activations.shape)[-1]
        assert float(traced.activation) == pytest.approx(activations.max(), rel=1e-5)


def test_through_branches():
    def convolution(name, seed):
        initializer = keras.initializers.HeNormal(seed)
        return keras.layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer=initializer, name=name)

    inputs = keras.Input((16, 16, 3))
    first = convolution("first", 1)(inputs)
    second = convolution("second", 2)(first)
    summed = keras.layers.Add(name="summed")([first, second])
    deconvnet = Deconvnet(keras.Model(inputs, keras.layers.MaxPooling2D(name="pool")(summed)))
    project = tf.function(traced_projection(deconvnet))
    for layer in ("first", "second", "summed", "pool"):
        traced = project(IMAGES[0, :16, :16], tf.constant(deconvnet.layers.index(layer)), tf.constant(2))
        np.testing.assert_allclose(traced.projection, deconvnet.project(IMAGES[:1, :16, :16], layer, 2)[0], atol=1e-3)


def test_needs_no_xla(project):
    definition = project.get_concrete_function().graph.as_graph_def()
    assert not [each.signature.name for each in definition.library.function if each.attr["_XlaMustCompile"].b]


def test_images_of_any_size_are_refused():
    layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)]
    with pytest.raises(ValueError, match="known size"):
        traced_projection(Deconvnet(keras.Sequential(layers)))
