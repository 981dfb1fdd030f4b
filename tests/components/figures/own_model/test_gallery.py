import keras
import numpy as np
import pytest
import tensorflow as tf

import zfnet
from zfnet.components.inputs.centre_crop import read_centre_crop


def test_a_gallery_shows_the_strongest_images(model, images):
    figure = zfnet.gallery(model, images, "conv2", units=[5, 2])
    maxima = zfnet.Deconvnet(model).activations(images, ["conv2"])[0].numpy().max(axis=(1, 2))
    found = figure.numbers["conv2"]["maps"]
    assert list(found) == ["2", "5"]
    for unit, shown in found.items():
        assert [int(each["example"]) for each in shown] == np.argsort(-maxima[:, int(unit)])[: len(shown)].tolist()
    assert list(figure.pictures) == ["gallery_conv2"]


def test_checks_of_a_gallery(model, images):
    checked = zfnet.gallery(model, images, "conv2", units=[5], check=True).numbers["conv2"]
    assert set(checked["maps"]["5"][0]["check"]) == {"fall", "fall_elsewhere", "fifth"}
    signals = keras.Sequential([keras.Input((30, 1)), keras.layers.Conv1D(2, 5, activation="relu", name="conv")])
    with pytest.raises(ValueError, match=r"`check` hides pixels of photographs, and the model 'sequential.*' takes none"):
        zfnet.gallery(signals, np.ones((2, 30, 1)), "conv", check=True)


def test_a_file_and_its_preprocessing(model, images, tmp_path):
    inputs = keras.Input((40, 56, 3))
    scaled = keras.Model(inputs, model(keras.layers.Rescaling(255.0)(inputs)))
    scaled.save(tmp_path / "scaled.keras")
    model.save(tmp_path / "model.keras")
    found = [
        zfnet.gallery(tmp_path / name, images, "conv1", units=[1], preprocessing=preprocessing).numbers["conv1"]["maps"]["1"][0]
        for name, preprocessing in (("model.keras", "raw"), ("scaled.keras", "unit"))
    ]
    assert found[0]["example"] == found[1]["example"]
    assert found[0]["activation"] == pytest.approx(found[1]["activation"], rel=1e-4)


def test_a_folder_and_a_data_set_are_images(model, images, folder):
    dataset = tf.data.Dataset.from_tensor_slices((images, np.zeros(len(images)))).batch(7)
    drawn = [zfnet.gallery(model, each, "conv2", units=[5]) for each in (images, dataset)]
    np.testing.assert_array_equal(*(figure.pictures["gallery_conv2"] for figure in drawn))
    best = zfnet.gallery(model, folder, "conv2", units=[5]).numbers["conv2"]["maps"]["5"][0]
    photograph = read_centre_crop(folder / best["example"], 56).central(40, 56)
    activation = zfnet.Deconvnet(model).activations(photograph[None].astype("float32"), ["conv2"])[0].numpy()[..., 5].max()
    assert best["activation"] == pytest.approx(activation, rel=1e-4)
    shuffled = tf.data.Dataset.from_tensor_slices(images).shuffle(100, seed=1).batch(7)
    with pytest.raises(ValueError, match="are they shuffled"):
        zfnet.gallery(model, shuffled, "conv2", units=[5])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model, images: zfnet.gallery(model, images, "conv9"), "no layer 'conv9'"),
        (
            lambda model, images: zfnet.gallery(model, images, "conv1", units=[16]),
            "There is no unit 16 in layer 'conv1'; it has units 0 to 15",
        ),
        (
            lambda model, images: zfnet.gallery(model, images, "conv2", labels=["a"]),
            r"There are 1 labels; expected 3, a name for each class of the model\.",
        ),
    ],
)
def test_wrong_use(model, images, call, words):
    with pytest.raises(ValueError, match=words):
        call(model, images)
