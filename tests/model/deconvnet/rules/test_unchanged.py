"""Layers that change no number in use: the projection is that of the model without them, and logits are logits below them."""

import functools
import inspect

import keras
import numpy as np
import pytest
from keras import layers, ops

from zfnet.model import Deconvnet, receptive_field
from zfnet.model.deconvnet.receptive_field import sees_all
from zfnet.model.deconvnet.rules.unchanged import IN_TRAINING_ALONE
from zfnet.model.measures.class_probabilities import class_layer, class_probabilities

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 12, 10, 3)).astype("float32")
ARGUMENTS = {
    **dict.fromkeys((layers.AlphaDropout, layers.Dropout, layers.GaussianDropout, layers.GaussianNoise), (0.5,)),
    **dict.fromkeys((layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D), (0.5,)),
    **dict.fromkeys((layers.RandomBrightness, layers.RandomContrast, layers.RandomHue, layers.RandomSaturation), (0.5,)),
    **dict.fromkeys((layers.RandomColorDegeneration, layers.RandomRotation, layers.RandomSharpness, layers.RandomZoom), (0.5,)),
    **dict.fromkeys((layers.RandomShear, layers.RandomTranslation), (0.5, 0.5)),
    layers.RandomColorJitter: ((0, 255), 0.5),
    layers.RandomPosterization: (4,),
}


def conv(name="top"):
    return layers.Conv2D(4, 3, name=name, kernel_initializer=keras.initializers.GlorotUniform(3))


@pytest.fixture(scope="module")
def expected():
    return Deconvnet(keras.Sequential([keras.Input(IMAGES.shape[1:]), conv()])).project(IMAGES, "top", 1)


def check_it_is_not_there(layer, expected):
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), layer, conv()])
    np.testing.assert_array_equal(Deconvnet(model).project(IMAGES, "top", 1), expected)
    assert receptive_field(model, "top").size == (3, 3)


def test_layers_that_act_in_training_alone(expected):
    # Keras cannot put an Equalization above another layer: it returns the symbolic tensor that it gets.
    others = layers.SpatialDropout1D, layers.SpatialDropout3D, layers.Equalization
    of_images = [kind for kind in IN_TRAINING_ALONE if kind not in others]
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), *(kind(*ARGUMENTS.get(kind, ())) for kind in of_images), conv()])
    deconvnet = Deconvnet(model)
    np.testing.assert_allclose(deconvnet.record(IMAGES).activations("top"), model.predict(IMAGES, verbose=0), rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(deconvnet.project(IMAGES, "top", 1), expected)
    assert receptive_field(model, "top").size == (3, 3)


def test_equalization(expected):
    check_it_is_not_there(layers.Equalization(), expected)


def test_all_of_them_are_known():
    """Every layer of Keras that takes `training` and returns images unchanged outside of it."""
    found = set()
    for kind in filter(inspect.isclass, vars(layers).values()):
        if issubclass(kind, layers.Layer) and "training" in inspect.signature(kind.call).parameters:
            try:
                same = np.array_equal(kind(*ARGUMENTS.get(kind, ()))(IMAGES, training=False), IMAGES)
            except (TypeError, ValueError, NotImplementedError):
                continue
            found |= {kind} if same else set()
    assert found - set(IN_TRAINING_ALONE) == set()
    assert len(found) > 25


def test_pipeline_of_such_layers(expected):
    inner = layers.Pipeline([layers.RandomZoom(0.1), layers.Dropout(0.1)])
    check_it_is_not_there(layers.Pipeline([layers.RandomFlip(), layers.RandAugment(), inner]), expected)


def test_pipeline_names_the_layer_in_it_that_has_no_rule():
    pipeline = layers.Pipeline([layers.RandomFlip(), layers.AutoContrast(name="odd")], name="pipeline")
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), pipeline, conv()])
    with pytest.raises(ValueError, match="'odd' is of type AutoContrast, for which no deconvnet is defined"):
        Deconvnet(model)


def test_spectral_normalization_is_the_layer_in_it():
    wrapped = conv(None)
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), layers.SpectralNormalization(wrapped, name="top")])
    wrapped.activation = keras.activations.relu
    plain = keras.Sequential([keras.Input(IMAGES.shape[1:]), layers.Conv2D(4, 3, activation="relu", name="top")])
    plain.set_weights([wrapped.kernel.numpy(), wrapped.bias.numpy()])
    for unit in range(4):
        expected = Deconvnet(plain).project(IMAGES, "top", unit)
        np.testing.assert_array_equal(Deconvnet(model).project(IMAGES, "top", unit), expected)


@pytest.mark.parametrize("unsupported", ["error", "gradient"])
def test_random_crop_to_another_size_is_refused(unsupported, expected):
    check_it_is_not_there(layers.RandomCrop(12, 10), expected)
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), layers.RandomCrop(8, 6, name="odd"), conv()])
    with pytest.raises(ValueError, match=r"'odd' is of type RandomCrop and crops to 8 x 6; expected .* 12 x 10\..*CenterCrop"):
        Deconvnet(model, unsupported)


ABOVE = {
    "float32 as for mixed precision": (layers.Activation("linear", dtype="float32"),),
    "identity": (layers.Identity(),),
    "reshape": (layers.Reshape((5,)),),
    "reshape and back": (layers.Reshape((1, 1, 5)), layers.Flatten()),
    "permute": (layers.Reshape((1, 5)), layers.Permute((2, 1)), layers.Flatten()),
    "dropout": (layers.Dropout(0.1), layers.ActivityRegularization(0.1)),
    "pipeline": (layers.Pipeline([layers.GaussianNoise(0.1)]),),
    "operations": (lambda x: ops.reshape(x, (-1, 5)), ops.stop_gradient),
}


def with_above(readout, above):
    keras.utils.set_random_seed(3)
    image = keras.Input(IMAGES.shape[1:])
    signal = layers.Rescaling(1 / 255)(image)
    signal = layers.Dense(5, activation=readout, name="readout")(layers.GlobalAveragePooling2D()(conv()(signal)))
    for layer in above:
        signal = layer(signal)
    return keras.Model(image, signal)


@pytest.mark.parametrize("above", ABOVE)
def test_names_above_a_sigmoid_stand_for_its_logits(above, equals_autodiff):
    model = with_above("sigmoid", ABOVE[above])
    deconvnet = Deconvnet(model)
    recording = equals_autodiff(deconvnet, IMAGES, ["readout"])
    name = deconvnet.layers[-1]
    np.testing.assert_array_equal(np.ravel(recording.activations(name)), np.ravel(recording.activations("readout")))
    np.testing.assert_array_equal(recording.project(name, 2), recording.project("readout", 2))
    assert class_layer(deconvnet) == name
    probabilities = class_probabilities(deconvnet, recording.activations(name))
    np.testing.assert_allclose(probabilities, model.predict(IMAGES, verbose=0), rtol=1e-5)


def test_convolution_with_a_softmax_flattened():
    image = keras.Input(IMAGES.shape[1:])
    maps = layers.Conv2D(5, (12, 10), activation="softmax", name="readout")(image)
    model = keras.Model(image, layers.Flatten(name="flat")(maps))
    deconvnet = Deconvnet(model)
    (values,) = deconvnet.activations(IMAGES / 255, ["flat"])
    assert class_layer(deconvnet) == "flat"
    np.testing.assert_allclose(class_probabilities(deconvnet, values), model.predict(IMAGES / 255, verbose=0), rtol=1e-4)
    several = Deconvnet(keras.Sequential([keras.Input(IMAGES.shape[1:]), layers.Conv2D(5, 3, activation="softmax"), layers.Flatten()]))
    assert class_layer(several) is None


def gated(maps):
    gate = layers.Dense(3, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D()(maps))
    gate = layers.Reshape((1, 1, 3), name="reshaped")(gate)
    return layers.Multiply(name="product")([maps, layers.Identity(name="same")(gate)])


def test_below_layers_that_change_numbers_it_is_refused_or_passed_by_its_gradient(equals_autodiff):
    keras.utils.set_random_seed(3)
    image = keras.Input(IMAGES.shape[1:])
    model = keras.Model(image, conv()(gated(layers.Rescaling(1 / 255)(image))))
    with pytest.raises(ValueError, match="'product' is of type Multiply"):
        Deconvnet(model)
    recording = equals_autodiff(Deconvnet(model, unsupported="gradient"), IMAGES, ["product", "top"])
    for name in ("gate", "reshaped", "same"):
        assert 0 < np.min(recording.activations(name)) < np.max(recording.activations(name)) < 1


@pytest.mark.parametrize(
    "softmax",
    [
        layers.Softmax(axis=[1]),
        layers.Activation(functools.partial(keras.activations.softmax, axis=1)),
        functools.partial(keras.ops.softmax, axis=1),
        layers.TimeDistributed(layers.Softmax(axis=1)),
    ],
)
def test_a_softmax_over_places_sees_more_than_a_point(softmax):
    image = keras.Input(IMAGES.shape[1:])
    maps = layers.Conv2D(3, 1)(image)
    hidden, gate = (
        keras.Model(image, layers.Conv2D(3, 1, name="top")(x)) for x in (softmax(maps), layers.Multiply()([maps, softmax(maps)]))
    )
    for deconvnet in (Deconvnet(hidden, unsupported="gradient"), Deconvnet(gate, unsupported="literature")):
        assert sees_all(deconvnet.graph, deconvnet.graph.value_of("top"), deconvnet.graph.shapes)
    by_map = keras.Model(image, layers.Conv2D(3, 1, name="top")(layers.Softmax()(maps)))
    assert receptive_field(Deconvnet(by_map, unsupported="gradient"), "top").size == (1, 1)


def test_one_of_two_branches_that_changes_numbers_is_enough():
    image = keras.Input(IMAGES.shape[1:])
    maps = layers.Conv2D(3, 3, activation="softmax", name="gate")(image)
    with pytest.raises(ValueError, match="'gate' is a softmax or sigmoid below other layers"):
        Deconvnet(keras.Model(image, [layers.Flatten()(maps), layers.Rescaling(2)(layers.Identity()(maps))]))
