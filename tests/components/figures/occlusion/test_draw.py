import json

import keras
import numpy as np
import pytest
from PIL import Image

from zfnet.components.figures.occlusion.chart import OcclusionInput
from zfnet.components.figures.occlusion.draw import PREDICTED, draw_occlusion
from zfnet.model import Deconvnet

HEIGHT, WIDTH = 32, 48
THING = slice(20, 26), slice(8, 14)  # A red thing, rows and columns, on a grey ground.


@pytest.fixture(scope="module")
def deconvnet():
    """Answers "red" where its one map, red less green, is active, and "grey" else."""
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    maps = keras.layers.Conv2D(1, 1, activation="relu", name="conv1")(inputs)
    pooled = keras.layers.GlobalMaxPooling2D(name="pool")(maps)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="classes")(pooled))
    model.get_layer("conv1").set_weights([np.array([1.0, -1, 0]).reshape(1, 1, 3, 1), np.zeros(1)])
    model.get_layer("classes").set_weights([np.array([[0, 0.1]]), np.array([3.0, 0])])
    return Deconvnet(model)


@pytest.fixture
def subject():
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    image[THING] = (228, 28, 128)
    return OcclusionInput("thing.png", image, None, PREDICTED, ["grey", "red"])


def test_the_answer_changes_where_the_thing_is_wholly_covered(deconvnet, subject, tmp_path):
    figure = draw_occlusion(deconvnet, subject, "conv1", square=10, stride=2)
    assert [path.name for path in figure.save(tmp_path)] == ["occlusion.png", "occlude.json"]
    np.testing.assert_array_equal(figure.pictures["occlusion"], np.asarray(Image.open(tmp_path / "occlusion.png")))
    assert min(figure.pictures["occlusion"].shape[:2]) > 800
    numbers = json.loads((tmp_path / "occlude.json").read_text())
    assert (numbers["class"], numbers["class_is"]) == ("red", PREDICTED)
    assert numbers["total"] == pytest.approx(6 * 6 * 200)
    covered = np.array(
        [[top <= 20 and top + 10 >= 26 and left <= 8 and left + 10 >= 14 for left in numbers["lefts"]] for top in numbers["tops"]]
    )
    assert covered.any()
    assert not covered.all()
    np.testing.assert_array_equal(np.array(numbers["most_probable"]) == "grey", covered)
    np.testing.assert_array_equal(np.array(numbers["totals"]) == 0, covered)
    assert numbers["projections_of_examples"] == []
    assert "chosen" not in numbers


def test_the_picture_shows_the_square_where_the_answer_falls_most(deconvnet, subject):
    rule = "the only one that there is"
    figure = draw_occlusion(deconvnet, subject._replace(chosen=rule), "conv1", square=10, stride=2)
    picture, numbers = figure.pictures["occlusion"].astype(int), figure.numbers
    assert numbers["chosen"] == rule
    row, column = (numbers[axis].index(numbers["shown"][side]) for axis, side in (("tops", "top"), ("lefts", "left")))
    assert numbers["probabilities"][row][column] == np.min(numbers["probabilities"])
    assert numbers["most_probable"][row][column] == "grey"
    # The thing, red, is seen in panel (c), and in (a) the square hides it.
    red = np.argwhere((abs(picture - (228, 28, 128)) < 12).all(axis=2))
    assert len(red) > 50
    assert red[:, 1].min() > picture.shape[1] / 2


def test_the_heat_map_is_dark_at_the_place_of_the_thing(deconvnet, subject):
    """In the picture, as a reader sees it: viridis is darkest where the total is lowest."""
    picture = draw_occlusion(deconvnet, subject, "conv1", square=10, stride=2).pictures["occlusion"].astype(int)
    height, width = picture.shape[:2]
    panel = picture[: height // 2, width // 3 : 2 * width // 3]
    dark = np.argwhere((abs(panel - (68, 1, 84)) < 6).all(axis=2))
    bright = np.argwhere((abs(panel - (253, 231, 37)) < 6).all(axis=2))
    bright = bright[bright[:, 1] < dark[:, 1].max() * 3]
    assert len(dark) > 50
    # The thing is below the middle of the image, and left of it; the colour bar, to the right, has both colours.
    left = dark[dark[:, 1] < np.median(bright[:, 1])]
    assert len(left) > 0.5 * len(dark)
    assert left[:, 0].mean() > bright[:, 0].mean()


def test_a_given_class_and_the_default_square(deconvnet, subject):
    numbers = draw_occlusion(deconvnet, subject._replace(class_number=0, class_source="given label", labels=[]), "conv1").numbers
    assert (numbers["class"], numbers["class_is"], numbers["square"]) == ("class 0", "given label", 7)
    assert max(np.diff(numbers["tops"]).max(), np.diff(numbers["lefts"]).max()) == 1
    assert numbers["grey"] == "128, since no mean is known"


def test_a_model_without_classes(subject):
    layer = keras.layers.Conv2D(2, 5, activation="relu", kernel_initializer="ones", name="conv1")
    model = keras.Sequential([keras.Input((HEIGHT, WIDTH, 3)), layer])
    numbers = draw_occlusion(Deconvnet(model), subject, "conv1", stride=8).numbers
    assert "class" not in numbers
    place = numbers["tops"].index(numbers["shown"]["top"]), numbers["lefts"].index(numbers["shown"]["left"])
    assert np.array(numbers["totals"])[place] == np.min(numbers["totals"])
    assert np.array(numbers["totals"]).shape == (len(numbers["tops"]), len(numbers["lefts"]))


def test_a_net_without_a_mean_hides_with_that_of_the_examples(search_of):
    layer = keras.layers.Conv2D(2, 5, activation="relu", kernel_initializer="ones", name="conv1")
    net = Deconvnet(keras.Sequential([keras.Input((56, 56, 3)), layer]))
    subject = OcclusionInput("grey", np.full((56, 56, 3), 128, np.uint8), None, PREDICTED, [])
    assert draw_occlusion(net, subject, "conv1", search=search_of(net), stride=16).numbers["grey"] == "the mean colour of DATA"


def test_of_a_trained_net_with_its_examples(examples, model, search_of):
    from zfnet.components.data.batches import central_crops, read_origins
    from zfnet.components.inputs.model_file import load_model_file

    net = Deconvnet(load_model_file(model.path / "model.keras"))
    images, classes, _ = next(central_crops(examples, "validation", size=56, batch_size=2).as_numpy_iterator())
    subject = OcclusionInput("first", images[0].astype(np.uint8), int(classes[0]), "true label", examples.labels)
    numbers = draw_occlusion(net, subject, "conv5", search=search_of(net), stride=8).numbers
    (maps,) = net.activations(images[:1], ["conv5"])
    assert numbers["unit"] == int(np.asarray(maps).sum(axis=(0, 1, 2)).argmax())
    assert numbers["grey"] == "the mean image that the model subtracts"
    shown = [each["activation"] for each in numbers["projections_of_examples"]]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) > 1
    ids = read_origins(examples, "validation")[2]
    assert {each["example"] for each in numbers["projections_of_examples"]} <= set(ids)
