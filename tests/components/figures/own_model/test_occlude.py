import keras
import numpy as np
import pytest

import zfnet
from zfnet.components.inputs.centre_crop import read_centre_crop


def built(*heads):
    """An untrained net of 40 x 56 pixels with these heads above its pooled maps."""
    layers, image = keras.layers, keras.Input((40, 56, 3))
    maps = layers.Conv2D(4, 5, activation="relu", name="maps")(layers.Rescaling(1 / 255)(image))
    pooled = layers.GlobalAveragePooling2D()(layers.MaxPooling2D(4)(maps))
    return keras.Model(image, [head(pooled) for head in heads])


def test_occlusion_of_a_class_by_its_name(model, images, tmp_path):
    figure = zfnet.occlude(model, images[0], "b", labels=["a", "b", "c"], images=images, stride=8)
    assert (figure.numbers["class"], figure.numbers["class_is"]) == ("b", "given label")
    uncovered = float(np.asarray(model(np.rint(images[:1])))[0, 1])
    assert figure.numbers["probability"] == pytest.approx(uncovered, abs=1e-3)
    assert figure.numbers["projections_of_examples"]
    assert [path.name for path in figure.save(tmp_path)] == ["occlusion.png", "occlude.json"]


def test_occlusion_of_one_sigmoid_is_that_of_two_classes(images):
    model = built(keras.layers.Dense(1, "sigmoid", name="dog"))
    second = float(np.ravel(model.predict(np.rint(images[:1]), verbose=0))[0])
    found = {
        label: zfnet.occlude(model, images[0], label, labels=labels, stride=16).numbers
        for label, labels in (("cat", ["cat", "dog"]), ("dog", ["cat", "dog"]), (1, ()))
    }
    assert [found[label]["probability"] for label in found] == pytest.approx([1 - second, second, second], abs=1e-5)
    assert found["cat"]["class"] == "cat"
    np.testing.assert_allclose(np.add(found["cat"]["probabilities"], found["dog"]["probabilities"]), 1, atol=1e-6)
    with pytest.raises(ValueError, match=r"no class '2'; expected a number from 0 to 1"):
        zfnet.occlude(model, images[0], 2)


@pytest.mark.parametrize("reverse", [False, True])
def test_occlusion_of_a_model_of_classes_and_boxes(images, reverse):
    heads = [keras.layers.Dense(3, "softmax", name="classes"), keras.layers.Dense(4, name="box")]
    model = built(*(heads[::-1] if reverse else heads))
    probabilities = np.asarray(model(np.rint(images[:1]))[1 if reverse else 0])[0]
    numbers = zfnet.occlude(model, images[0], stride=16).numbers
    assert numbers["class"] == f"class {probabilities.argmax()}"
    assert numbers["probability"] == pytest.approx(probabilities.max(), abs=1e-5)


def test_a_photograph_by_its_path(model, folder):
    photograph = next(folder.rglob("*.png"))
    pixels = read_centre_crop(photograph, 56).central(40, 56)
    assert zfnet.occlude(model, photograph, 0, stride=20).numbers == zfnet.occlude(model, pixels, 0, stride=20).numbers
    with pytest.raises(ValueError, match="There are 90 images; expected one"):
        zfnet.occlude(model, folder)


def test_a_class_by_its_number_where_names_are_numbers(model, images):
    by_number, by_name = (zfnet.occlude(model, images[0], label, labels=["1", "2", "0"], stride=16) for label in (1, "1"))
    assert (by_number.numbers["class"], by_name.numbers["class"]) == ("2", "1")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model, images: zfnet.occlude(model, images[0], "dog", labels=["a", "b", "c"]), "The model has no class 'dog'"),
        (lambda model, images: zfnet.occlude(model, images), r"There are \d+ images; expected one, \(height, width, 3\), or the path"),
        (lambda model, images: zfnet.occlude(model, images[0], labels=["a"]), r"There are 1 labels; expected 3, a name for each class"),
    ],
)
def test_wrong_use(model, images, call, words):
    with pytest.raises(ValueError, match=words):
        call(model, images)
