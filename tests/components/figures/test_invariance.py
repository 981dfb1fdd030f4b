import json

import keras
import numpy as np
import pytest
from PIL import Image

from zfnet.components.figures.images import PREDICTED, TRUE_LABEL, LabelledImages
from zfnet.components.figures.invariance import FRAME, TILE, draw_invariance
from zfnet.components.inputs.transform import Transformation, transform
from zfnet.model import Deconvnet

layers = keras.layers
CORNER, LABELS = (8, 4), ["red", "green", "blue"]


def net_of(shape=(28, 36, 3), top=True):
    keras.utils.set_random_seed(0)
    layout = "channels_last" if shape[2] == 3 else "channels_first"
    small = keras.initializers.RandomNormal(stddev=0.003)  # Else one class has all of the probability.
    parts = [layers.Conv2D(4, 5, strides=4, activation="relu", kernel_initializer=small, data_format=layout, name="conv")]
    if top:
        parts += [layers.GlobalAveragePooling2D(data_format=layout, name="pool"), layers.Dense(3, activation="softmax", name="classes")]
    return keras.Sequential([keras.Input(shape), *parts])


@pytest.fixture(scope="module")
def subjects():
    squares = np.random.default_rng(0).integers(0, 256, (2, 44, 44, 3)).astype(np.uint8)
    return LabelledImages(["a", "b"], squares, CORNER, [2, 0], TRUE_LABEL, LABELS)


@pytest.fixture(scope="module")
def drawn(subjects, tmp_path_factory):
    folder = tmp_path_factory.mktemp("invariance")
    figure = draw_invariance(Deconvnet(net_of()), subjects, ["conv", "classes"])
    figure.save(folder)
    return folder, figure.pictures


def test_progress_of_each_transformation(subjects, bars):
    draw_invariance(Deconvnet(net_of()), subjects, ["conv"])
    found = [(bar.title, bar.total, len(bar.items)) for bar in bars]
    assert found == [("Translating", 17, 17), ("Scaling", 17, 17), ("Rotating", 36, 36)]


def test_the_same_picture_twice_with_names_that_mean_something_to_matplotlib(subjects):
    twice = subjects._replace(names=["_a$x_{$.jpg", "_b.jpg"], squares=subjects.squares[[0, 0]], class_source=PREDICTED, classes=None)
    numbers = draw_invariance(Deconvnet(net_of()), twice, ["conv"]).numbers
    assert numbers["distance_between_images"] == {"conv": 0}
    assert {str(found["relative_distances"]) for found in numbers["transformations"].values()} == {"{'conv': None}"}


def test_files_and_numbers(drawn):
    folder, pictures = drawn
    assert sorted(path.name for path in folder.iterdir()) == ["invariance.json", "invariance.png"]
    np.testing.assert_array_equal(pictures["invariance"], Image.open(folder / "invariance.png"))
    assert pictures["invariance"].shape[1] == 1500
    numbers = json.loads((folder / "invariance.json").read_text())
    assert numbers["pictures"] == ["invariance.png"]
    assert [image["class"] for image in numbers["images"]] == ["blue", "red"]
    assert list(numbers["transformations"]) == ["translation", "scale", "rotation"]
    for found in numbers["transformations"].values():
        for layer, between in numbers["distance_between_images"].items():
            distances = np.array(found["distances"][layer])
            assert distances.shape == np.shape(found["probabilities"]) == (2, len(found["values"]))
            np.testing.assert_allclose(np.array(found["relative_distances"][layer]) * between, distances)


@pytest.mark.parametrize(("family", "field", "value"), [("translation", "shift", -5), ("scale", "scale", 1.45), ("rotation", "angle", 260)])
def test_curves_are_those_of_the_model(drawn, subjects, family, field, value):
    found = json.loads((drawn[0] / "invariance.json").read_text())["transformations"][family]
    step = found["values"].index(value)
    net = net_of()
    images = [transform(subjects.squares, CORNER, (28, 36), change) for change in (Transformation(), Transformation(**{field: value}))]
    features = [np.asarray(net.layers[0](each)).reshape(2, -1) for each in images]
    expected = np.linalg.norm(features[0] - features[1], axis=1)
    np.testing.assert_allclose([curve[step] for curve in found["distances"]["conv"]], expected, rtol=1e-4)
    probabilities = net.predict(images[1], verbose=0)[[0, 1], [2, 0]]
    np.testing.assert_allclose([curve[step] for curve in found["probabilities"]], probabilities, rtol=1e-4)


def test_the_image_as_it_is_has_no_distance(drawn):
    numbers = json.loads((drawn[0] / "invariance.json").read_text())
    for family, value in (("translation", 0), ("scale", 1), ("rotation", 0)):
        found = numbers["transformations"][family]
        step = found["values"].index(value)
        for place, image in enumerate(numbers["images"]):
            assert found["distances"]["conv"][place][step] < 1e-4 * numbers["distance_between_images"]["conv"]
            assert found["probabilities"][place][step] == pytest.approx(image["probability"], rel=1e-5)


def test_without_labels_the_predicted_class_counts(subjects):
    net = net_of()
    numbers = draw_invariance(Deconvnet(net), subjects._replace(classes=None, class_source=PREDICTED, labels=[]), ["conv"]).numbers
    window = subjects.squares[:, 8:36, 4:40].astype(np.float32)
    expected = net.predict(window, verbose=0).argmax(axis=1)
    assert [(image["class"], image["class_is"]) for image in numbers["images"]] == [(f"class {number}", PREDICTED) for number in expected]


def test_one_image_of_a_model_without_classes(subjects):
    one = subjects._replace(names=["a"], squares=subjects.squares[:1], classes=None)
    numbers = draw_invariance(Deconvnet(net_of(top=False)), one, ["conv"]).numbers
    assert numbers["images"] == [{"image": "a"}]
    assert numbers["distance_between_images"] == {"conv": None}
    assert numbers["transformations"]["scale"]["relative_distances"] == {"conv": None}
    assert numbers["transformations"]["scale"]["probabilities"] is None


def test_channels_first_gives_the_same(subjects, drawn):
    net = net_of((3, 28, 36))
    net.set_weights(net_of().get_weights())
    found = draw_invariance(Deconvnet(net), subjects, ["conv"]).numbers["transformations"]
    expected = json.loads((drawn[0] / "invariance.json").read_text())["transformations"]
    for family in expected:
        np.testing.assert_allclose(found[family]["distances"]["conv"], expected[family]["distances"]["conv"], rtol=1e-3, atol=1e-2)
        np.testing.assert_allclose(found[family]["probabilities"], expected[family]["probabilities"], rtol=1e-3)


def test_the_sheet_frames_each_image_in_the_colour_of_its_curve(drawn):
    picture = drawn[1]["invariance"][:500, :500].astype(int)
    for colour in ((31, 119, 180), (214, 39, 40)):
        framed = (abs(picture - colour).max(axis=2) < 30).any(axis=0)
        assert framed.sum() > TILE - 2 * FRAME
