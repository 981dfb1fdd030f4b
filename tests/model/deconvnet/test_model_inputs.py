"""Models of several inputs: projections to each of them, in the form in which the images came."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from zfnet.model import Deconvnet, project_strongest, receptive_field, strongest_activations
from zfnet.model.deconvnet.deconvnet import traced_projection
from zfnet.model.deconvnet.model_inputs import InputForm, input_names

RANDOM = np.random.default_rng(0)
INPUTS = {
    "photo": RANDOM.normal(size=(5, 14, 12, 3)).astype("float32"),
    "sound": RANDOM.normal(size=(5, 40, 2)).astype("float32"),
    "facts": RANDOM.normal(size=(5, 6)).astype("float32"),
}
AS_LIST = list(INPUTS.values())


def net(structure=list):
    keras.utils.set_random_seed(3)
    photo, sound, facts = (keras.Input(values.shape[1:], name=name) for name, values in INPUTS.items())
    maps = layers.MaxPooling2D(2, name="pool")(layers.Conv2D(4, 3, activation="relu", name="conv")(photo))
    steps = layers.Conv1D(5, 4, padding="causal", activation="relu", name="steps")(sound)
    heard = layers.GlobalMaxPooling1D()(layers.Conv1D(4, 3, name="more")(layers.MaxPooling1D(3, 2, "same", name="heard")(steps)))
    known = layers.Dense(7, activation="relu", name="known")(facts)
    both = layers.Concatenate(name="both")([layers.Flatten()(maps), heard])
    top = layers.Dense(3, activation="softmax", name="top")(layers.Concatenate()([both, known]))
    inputs = {"photo": photo, "sound": sound, "facts": facts} if structure is dict else [photo, sound, facts]
    return keras.Model(inputs, [top, layers.Dense(2, name="other")(both)])


class ByAutodiff:
    """Gradients of a copy of the net whose ReLUs pass what is positive in the signal, times the activation."""

    def __init__(self, model, layer, unit):
        features = keras.Model(model.inputs, model.get_layer(layer).output)
        inputs = [tf.constant(values) for values in AS_LIST]
        relus = [each for each in model.layers if getattr(each, "activation", None) is keras.activations.relu]

        @tf.custom_gradient
        def rectified(values):
            return tf.nn.relu(values), tf.nn.relu

        for each in relus:
            each.activation = rectified
        softmax = model.get_layer("top")
        before, softmax.activation = softmax.activation, keras.activations.linear
        try:
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                single = features(inputs)[..., unit]
                flat = tf.reshape(single, (len(single), -1))
                strongest = tf.reduce_max(flat, axis=1)
                total = tf.reduce_sum(strongest * tf.stop_gradient(strongest))
            self.projections = tape.gradient(total, inputs, unconnected_gradients="zero")
        finally:
            softmax.activation = before
            for each in relus:
                each.activation = keras.activations.relu


@pytest.mark.parametrize("layer", ["pool", "heard", "more", "known", "both", "top", "other"])
def test_projections_to_each_input_equal_autodiff(layer, eagerly):
    model = net()
    expected = ByAutodiff(model, layer, 1).projections
    found = Deconvnet(model).project(AS_LIST, layer, 1)
    assert isinstance(found, list)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * max(np.abs(other).max(), 1e-6))
    assert any(np.abs(each).max() > 0 for each in found)


@pytest.mark.parametrize("structure", [list, dict])
def test_results_have_the_form_of_the_images(structure, eagerly):
    deconvnet = Deconvnet(net(structure))
    expected = Deconvnet(net()).project(AS_LIST, "top", 2)
    named = deconvnet.project(INPUTS, "top", 2)
    assert list(named) == input_names(deconvnet.model)
    for name, values in zip(INPUTS, expected, strict=True):
        np.testing.assert_array_equal(named[name], values)
    windows, corners = deconvnet.project_patches(INPUTS, "conv", 1)
    assert windows["photo"].shape == (5, 3, 3, 3)
    assert corners["photo"].shape == (5, 2)
    # The layer sees nothing of the others: whole, and without a place.
    assert (windows["sound"].shape, corners["sound"], corners["facts"]) == ((5, 40, 2), None, None)
    assert not windows["sound"].any()


def test_receptive_fields_lie_in_one_input():
    model = net()
    assert receptive_field(model, "pool", "photo") == ((4, 4), (2, 2), (0, 0))
    assert receptive_field(model, "steps", "sound") == ((4,), (1,), (-3,))
    assert receptive_field(model, "both", "sound") == ((40,), (0,), (0,))
    assert receptive_field(model, "both", "photo") == ((14, 12), (0, 0), (0, 0))
    for arguments, words in (
        (("pool",), "has the inputs 'photo', 'sound', 'facts'; expected one of these names, not None"),
        (("pool", "sound"), "'pool' do not depend on this input"),
        (("known", "facts"), "no rows and columns"),
    ):
        with pytest.raises(ValueError, match=words):
            receptive_field(model, *arguments)


def test_two_images_of_one_size_keep_their_fields(eagerly):
    before, after = keras.Input((12, 10, 3), name="before"), keras.Input((12, 10, 3), name="after")
    shared = layers.Conv2D(4, 3, padding="same", activation="relu", name="shared")
    both = layers.Concatenate()([shared(before), layers.Conv2D(3, 5, padding="same")(after)])
    deconvnet = Deconvnet(keras.Model([before, after], layers.Conv2D(2, 3, name="top")(both)))
    assert [receptive_field(deconvnet, "top", name).size for name in ("before", "after")] == [(5, 5), (7, 7)]
    images = [np.random.default_rng(seed).normal(size=(2, 12, 10, 3)).astype("float32") for seed in range(2)]
    windows, corners = deconvnet.project_patches(images, "top", 1, (9, 7))
    assert [each.shape for each in windows] == [(2, 5, 5, 3), (2, 7, 7, 3)]
    assert [each.tolist() for each in corners] == [[[8, 6]] * 2, [[7, 5]] * 2]
    for window, whole in zip(windows, deconvnet.project(images, "top", 1, (9, 7)), strict=True):
        np.testing.assert_allclose(np.abs(window).sum(), np.abs(whole).sum(), rtol=1e-5)


def test_the_strongest_are_found_and_projected_in_batches(eagerly):
    deconvnet = Deconvnet(net(dict))
    batches = [{name: values[start : start + 2] for name, values in INPUTS.items()} for start in (0, 2, 4)]
    found = strongest_activations(deconvnet, batches, ["heard", "top"], k=2)
    activations = deconvnet.activations(INPUTS, ["heard"])[0].numpy()
    assert found["heard"].positions.shape == (5, 2, 1)
    np.testing.assert_allclose(found["heard"].values[:, 0], activations.max(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_array_equal(found["heard"].examples[:, 0], activations.max(axis=1).argmax(axis=0))
    for part in project_strongest(deconvnet, batches, found):
        whole = deconvnet.project(INPUTS, part.layer, part.units, None) if len(part.units) == 5 else None
        assert set(part.projections) == set(INPUTS)
        for row, (unit, rank) in enumerate(zip(part.units, part.ranks, strict=True)):
            example = int(found[part.layer].examples[unit, rank])
            position = found[part.layer].positions[unit, rank]
            single = {name: values[example : example + 1] for name, values in INPUTS.items()}
            expected = deconvnet.project(single, part.layer, int(unit), position if position.size else None)
            for name, values in INPUTS.items():
                corner, patch = part.corners[name][row], part.patches[name][row]
                window = tuple(slice(start, start + length) for start, length in zip(corner, patch.shape, strict=False))
                np.testing.assert_array_equal(patch, values[example][window])
                np.testing.assert_allclose(part.projections[name][row], expected[name][0][window], atol=1e-5)
        assert whole is None or set(whole) == set(INPUTS)
    assert {name: values.shape[1:-1] for name, values in part.patches.items()} == {"photo": (14, 12), "sound": (40,), "facts": ()}


def test_windows_of_a_signal_beside_an_image(eagerly):
    deconvnet = Deconvnet(net())
    windows, corners = deconvnet.project_patches(AS_LIST, "heard", 1, (0,))
    assert windows[1].shape == (5, 6, 2)
    # Same padding of the pool, one step before the first, and three of the causal convolution.
    np.testing.assert_array_equal(corners[1], [list(receptive_field(deconvnet, "heard", "sound").offset)] * 5)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (AS_LIST[0], r"has 3 inputs: 'photo', 'sound', 'facts'. Expected a list .* not one of shape \(5, 14, 12, 3\)"),
        (AS_LIST[:2], "not 2 values"),
        ({"photo": AS_LIST[0]}, "The images are a dict of 'photo'; the model 'functional.*' takes 'photo', 'sound', 'facts'"),
        ([AS_LIST[0], AS_LIST[1], AS_LIST[2][:3]], "The inputs photo, sound, facts have 5 and 5 and 3 rows"),
        ([AS_LIST[0], AS_LIST[2], AS_LIST[1]], r"this model takes \(None, 40, 2\) \(number, length, channels\)"),
    ],
)
def test_other_inputs_are_refused(images, words):
    with pytest.raises(ValueError, match=words):
        Deconvnet(net()).record(images)


def test_batches_of_other_inputs_are_refused():
    deconvnet = Deconvnet(net())
    for batch, words in (
        (AS_LIST[0], "A batch holds one array of shape .* and the model has 3 inputs"),
        (tuple(AS_LIST), "tuple of 3 values"),
        ((AS_LIST[0], np.arange(5)), "one array of shape"),
    ):
        with pytest.raises(ValueError, match=words):
            strongest_activations(deconvnet, [batch], ["top"])
    ids = strongest_activations(deconvnet, [(AS_LIST, np.arange(10, 15))], ["top"], k=1)["top"].examples
    assert ids.min() >= 10


def test_a_dict_for_one_input():
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model({"image": image}, layers.Conv2D(2, 3, name="top")(image))
    images = np.ones((2, 8, 8, 3), "float32")
    np.testing.assert_array_equal(
        Deconvnet(model).project({"image": images}, "top", 1)["image"], Deconvnet(model).project(images, "top", 1)
    )
    assert InputForm.of(model, images).join([3]) == 3


def test_a_vector_into_maps(by_autodiff, equals_autodiff, eagerly):
    code = keras.Input((6,))
    maps = layers.Reshape((4, 4, 3))(layers.Dense(48, activation="relu")(code))
    model = keras.Model(code, layers.Conv2DTranspose(2, 3, 2, activation="relu", name="top")(maps))
    equals_autodiff(model, np.random.default_rng(0).normal(size=(3, 6)).astype("float32"), ["top"])


def test_a_projection_as_one_program_is_for_one_image():
    with pytest.raises(ValueError, match="has 3 inputs; expected one, the image"):
        traced_projection(Deconvnet(net()))


def test_a_vector_from_a_signal_leaves_the_places_of_an_image():
    image, signal = keras.Input((10, 11, 3), name="image"), keras.Input((16, 2), name="signal")
    vector = layers.Dense(4)(layers.GlobalAveragePooling1D()(layers.Conv1D(4, 3)(signal)))
    maps = layers.Conv2D(3, 2, name="top")(layers.Add()([layers.Conv2D(4, 3)(image), vector]))
    deconvnet = Deconvnet(keras.Model([image, signal], maps))
    assert receptive_field(deconvnet, "top", "image") == ((4, 4), (1, 1), (0, 0))
    assert receptive_field(deconvnet, "top", "signal") == ((16,), (0,), (0,))
