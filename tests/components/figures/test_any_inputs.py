"""Figures of models of signals, volumes and several inputs, by the same calls as for images."""

import pathlib
import re

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import zfnet

DOCUMENT = pathlib.Path(__file__).resolve().parents[3] / "docs" / "deconvnet.md"
RANDOM = np.random.default_rng(0)
SIGNALS = RANDOM.normal(size=(20, 90, 2)).astype("float32")


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    first = layers.Conv1D(6, 5, 2, padding="causal", activation="relu", name="conv1")
    rest = [layers.MaxPooling1D(2), layers.Conv1D(5, 3, activation="relu", name="conv2"), layers.GlobalMaxPooling1D()]
    return keras.Sequential([keras.Input((90, 2)), first, *rest, layers.Dense(3, "softmax", name="classes")])


def test_a_projection_of_signals(net, tmp_path):
    figure = zfnet.project(net, SIGNALS[:3], "conv2", 1)
    maps = zfnet.Deconvnet(net).activations(SIGNALS[:3], ["conv2"])[0].numpy()[..., 1]
    found = figure.numbers["images"]
    np.testing.assert_allclose([each["activation"] for each in found], maps.max(axis=1), rtol=1e-5)
    assert [each["position"] for each in found] == [[place] for place in maps.argmax(axis=1).tolist()]
    field = zfnet.receptive_field(net, "conv2")
    inside = [np.clip(place * field.stride[0] + field.offset[0], 0, 90 - field.size[0]) for place in maps.argmax(axis=1)]
    assert [each["corner"] for each in found] == [[corner] for corner in inside]
    assert [path.name for path in figure.save(tmp_path / "signals.png")] == ["signals.png"]


def test_the_strongest_unit_of_each_signal(net):
    logits = zfnet.Deconvnet(net).activations(SIGNALS[:5], ["classes"])[0].numpy()
    figure = zfnet.project(net, SIGNALS[:5], "classes", labels=["a", "b", "c"])
    assert [each["unit"] for each in figure.numbers["images"]] == logits.argmax(axis=1).tolist()


def test_a_gallery_of_signals(net):
    figure = zfnet.gallery(net, SIGNALS, "conv2", units=[4, 1])
    maxima = zfnet.Deconvnet(net).activations(SIGNALS, ["conv2"])[0].numpy().max(axis=1)
    found = figure.numbers["conv2"]["maps"]
    for unit, shown in found.items():
        assert [each["example"] for each in shown] == np.argsort(-maxima[:, int(unit)])[: len(shown)].tolist()
        assert 0 < len(shown) <= 9
    assert list(figure.pictures) == ["gallery_conv2"]
    assert set(figure.numbers["conv2"]["dead_maps"]) == set(np.flatnonzero(maxima.max(axis=0) <= 0))
    some = zfnet.gallery(net, SIGNALS, "conv1", maps=2, seed=1).numbers["conv1"]["maps"]
    assert len(some) == 2
    with pytest.raises(ValueError, match="There is no unit 5 in layer 'conv2'"):
        zfnet.gallery(net, SIGNALS, "conv2", units=[5])


def test_volumes_channels_first(tmp_path):
    every = {"data_format": "channels_first"}
    inputs = keras.Input((1, 8, 9, 10))
    maps = layers.MaxPooling3D(2, **every)(layers.Conv3D(4, 3, activation="relu", name="conv", **every)(inputs))
    model = keras.Model(inputs, layers.Conv3D(3, 2, activation="relu", name="top", **every)(maps))
    volumes = RANDOM.normal(size=(4, 1, 8, 9, 10))
    for figure in (zfnet.project(model, volumes, "top", 1), zfnet.gallery(model, volumes, "top", units=[1])):
        numbers = figure.numbers["images"] if figure.name == "project" else figure.numbers["top"]["maps"]["1"]
        assert {len(each["position"]) for each in numbers} == {len(each["corner"]) for each in numbers} == {3}
    model.save(tmp_path / "model.keras")
    assert zfnet.project(tmp_path / "model.keras", volumes, "top", 1).numbers["layer"] == "top"


def test_inputs_without_an_axis_of_channels():
    wave = keras.Input((90,))
    steps = layers.Conv1D(4, 5, 2, activation="relu", name="top")(layers.Reshape((90, 1))(wave))
    image = keras.Input((14, 12))
    maps = layers.Conv2D(4, 3, activation="relu", name="top")(layers.Reshape((14, 12, 1))(image))
    for model, shape in ((keras.Model(wave, steps), (3, 90)), (keras.Model(image, maps), (3, 14, 12))):
        numbers = zfnet.project(model, RANDOM.normal(size=shape), "top").numbers["images"]
        field = zfnet.receptive_field(model, "top")
        for each in numbers:
            assert each["corner"] == (np.multiply(each["position"], field.stride) + field.offset).tolist()
            assert len(each["corner"]) == len(shape) - 1


def test_several_inputs_are_below_each_other():
    image, facts = keras.Input((12, 10, 3), name="image"), keras.Input((4,), name="facts")
    maps = layers.Flatten()(layers.Conv2D(4, 3, activation="relu", name="maps")(image))
    model = keras.Model([image, facts], layers.Dense(3, "relu", bias_initializer="ones", name="top")(layers.Concatenate()([maps, facts])))
    inputs = {"image": RANDOM.uniform(size=(6, 12, 10, 3)), "facts": RANDOM.normal(size=(6, 4))}
    figure = zfnet.project(model, inputs, "top")
    assert [each["corner"] for each in figure.numbers["images"]] == [{"image": [0, 0], "facts": []}] * 6
    alone = zfnet.project(model, [each[:2] for each in inputs.values()], "top")
    assert alone.numbers["images"] == figure.numbers["images"][:2]
    assert zfnet.gallery(model, inputs, "maps", maps=2).pictures["gallery_maps"].shape[1] > 1000


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net: zfnet.project(net, SIGNALS[0], "conv1"), r"images have shape \(1, 2\); this model takes \(None, 90, 2\)"),
        (lambda net: zfnet.project(net, SIGNALS[:0], "conv1"), "there is none"),
        (lambda net: zfnet.project(net, SIGNALS * np.nan, "conv1"), "'keras_tensor.*' are not all finite numbers"),
        (lambda net: zfnet.project(net, SIGNALS, "conv1", preprocessing="unit"), r"takes \(None, 90, 2\); expected one input, images"),
        (lambda net: zfnet.gallery(net, "signals", "conv1"), "images are of type str, and the model 'sequential.*' takes no photographs"),
        (lambda net: zfnet.occlude(net, SIGNALS[0]), r"In Python `zfnet.project` and `zfnet.gallery` also take models"),
        (lambda net: zfnet.filters(net), r"takes \(None, 90, 2\); expected one input, images of three channels or one"),
    ],
)
def test_wrong_use(net, call, words):
    with pytest.raises(ValueError, match=words):
        call(net)


def test_the_lines_of_the_page_run(tmp_path, monkeypatch):
    section = DOCUMENT.read_text().split("## Signals, volumes and several inputs")[1]
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
        exec(compile(code, DOCUMENT.name, "exec"), names)
    assert (names["windows"].shape, names["corners"].shape) == ((20, 35, 1), (20, 1))
    assert names["projections"].shape == (20, 512, 1)
    assert names["zfnet"].receptive_field(names["deconvnet"], "conv2") == ((35,), (4,), (-20,))
    for name in ("projections.png", "gallery/gallery_conv2.png", "several.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 400


def test_a_gallery_of_activations_that_are_not_numbers():
    broken = keras.Sequential([keras.Input((90, 2)), layers.Conv1D(4, 5, activation="relu", name="conv")])
    kernel, bias = broken.get_layer("conv").get_weights()
    kernel[..., 1] = np.nan
    broken.get_layer("conv").set_weights([kernel, bias])
    with pytest.raises(ValueError, match=r"Activations of layer 'conv' are not all numbers \(NaN\)"):
        zfnet.gallery(broken, SIGNALS, "conv", units=[1])
