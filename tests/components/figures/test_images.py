import keras
import numpy as np
import pytest

from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures import images as images_module
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.images import (
    GIVEN,
    PREDICTED,
    TRUE_LABEL,
    ImageSet,
    class_name,
    class_number,
    mean_grey,
    one_of_each_class,
    subjects_of_examples,
    subjects_of_files,
)
from zfnet.components.inputs.centre_crop import read_image
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model import Deconvnet, build

layers = keras.layers
WIDE = ImageInput(40, 56, False)
LABELS = ["red", "white", "green", "blue"]


@pytest.fixture(scope="module")
def images(examples):
    return np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])[:, 8:48]


def gathered(image_set, numbers=None):
    parts = list(image_set.batches("Reading", numbers))
    return np.concatenate([images for images, _ in parts]), np.concatenate([places for _, places in parts]).tolist()


def test_an_array_and_examples_are_gone_over_alike(gratings_net, examples, images):
    model = gratings_net().model
    stored, held = ImageSet.of_examples(model, examples), ImageSet.of_array(model, images)
    for numbers in (None, {3, 0}):
        for one, other in zip(gathered(stored, numbers), gathered(held, numbers), strict=True):
            np.testing.assert_array_equal(one, other)
    assert stored.origins.ids == read_origins(examples, "validation").ids
    assert held.origins.ids == [str(number) for number in range(len(images))]


def test_a_search_of_an_array_finds_what_a_search_of_examples_finds(gratings_net, examples, images):
    net = gratings_net()
    searches = [ExampleSearch(net, each) for each in (ImageSet.of_examples(net.model, examples), ImageSet.of_array(net.model, images))]
    found = [search.strongest(["conv2"])["conv2"] for search in searches]
    np.testing.assert_allclose(found[0].values, found[1].values, rtol=1e-5)
    np.testing.assert_array_equal(found[0].examples[:, 0], found[1].examples[:, 0])
    assert [search.different("conv2", 2, 3) for search in searches] == [[0, 1, 2]] * 2


def test_channels_first(gratings_net, images):
    model = gratings_net(data_format="channels_first").model
    batch, _ = gathered(ImageSet.of_array(model, images))
    np.testing.assert_array_equal(batch, np.moveaxis(images, 3, 1))


def test_the_name_tells_other_images_apart(gratings_net, images):
    model = gratings_net().model
    names = [ImageSet.of_array(model, each).name for each in (images, images.copy(), images[::-1])]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda images: images[..., 0], r"shape \(\d+, 40, 56\); expected \(N, height, width, 3\)"),
        (lambda images: images[:0], "at least one"),
        (lambda images: np.moveaxis(images, 3, 1), "expected"),
        (lambda images: images[:, :20], "20 x 56 pixels; the model takes 40 x 56"),
        (lambda images: np.full_like(images, np.nan), "not all finite numbers"),
    ],
)
def test_arrays_that_are_no_images(gratings_net, images, change, words):
    with pytest.raises(ValueError, match=words):
        ImageSet.of_array(gratings_net().model, change(images))


def test_of_a_net_that_subtracts_its_mean_image():
    mean = np.random.default_rng(0).uniform(0, 255, (56, 60, 3)).astype(np.float32)
    net = Deconvnet(build("zfnet-small", input_shape=(56, 60, 3), classes=3, mean_image=mean))
    found = mean_grey(net, ImageInput.of(net.model))
    np.testing.assert_array_equal(found.values, mean)
    assert found.source == "the mean image that the model subtracts"


def test_of_examples_before_anything_else(examples, search_of):
    images = np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=64)])[:, 8:48]
    for shape, pixel in (((40, 56, 3), (1, 1, 3)), ((3, 40, 56), (3, 1, 1))):
        layout = "channels_last" if shape[2] == 3 else "channels_first"
        net = Deconvnet(keras.Sequential([keras.Input(shape), layers.Conv2D(2, 3, data_format=layout)]))
        found = mean_grey(net, ImageInput.of(net.model), search_of(net).images)
        assert found.values.shape == pixel
        np.testing.assert_allclose(found.values.ravel(), images.mean(axis=(0, 1, 2)), rtol=1e-4)
        assert found.source == "the mean colour of DATA"


def test_of_nothing():
    net = Deconvnet(keras.Sequential([keras.Input((8, 9, 3)), layers.Conv2D(2, 3)]))
    found = mean_grey(net, ImageInput.of(net.model))
    assert found.values.ravel().tolist() == [128] * 3
    assert "no mean is known" in found.source


def test_examples_with_their_classes_in_the_order_of_the_model(examples):
    found = subjects_of_examples(examples, "validation", 3, 0, WIDE, LABELS, 4)
    assert found.class_source == TRUE_LABEL
    assert [name.split("/")[0] for name in found.names] == [LABELS[place] for place in found.classes]
    assert sorted(found.classes) == [0, 2, 3]
    assert found.squares.shape == (3, 64, 64, 3)
    images = np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=64)])
    ids = read_origins(examples, "validation")[2]
    top, left = found.corner
    for name, square in zip(found.names, found.squares, strict=True):
        np.testing.assert_array_equal(square[top : top + 40, left : left + 56], images[ids.index(name), 8:48])


def test_examples_whose_classes_the_model_does_not_have(examples):
    for labels, outputs in ((["red", "green"], 2), ([], 4), ([], 0)):
        found = subjects_of_examples(examples, "validation", 3, 0, WIDE, labels, outputs)
        assert (found.classes, found.class_source) == (None, PREDICTED)
    found = subjects_of_examples(examples, "validation", 3, 0, WIDE, [], 3)
    assert found.labels == ["blue", "green", "red"]
    assert [found.labels[place] for place in found.classes] == [name.split("/")[0] for name in found.names]


def test_files(folder):
    paths = [str(folder / "red/3.png"), str(folder / "blue/12.png")]
    found = subjects_of_files(paths, WIDE, LABELS, 4)
    assert (found.names, found.classes, found.class_source) == (["3.png", "12.png"], None, PREDICTED)
    top, left = found.corner
    seen = WIDE.crop(np.stack([read_image(path, 56) for path in paths]))
    np.testing.assert_array_equal(found.squares[:, top : top + 40, left : left + 56], seen)
    assert subjects_of_files(paths, WIDE, LABELS, 4, ["green"])[3:5] == ([2, 2], GIVEN)
    assert subjects_of_files(paths, WIDE, LABELS, 4, ["blue", "1"]).classes == [3, 1]


def test_classes_by_name_and_number():
    assert class_number("1", ["1", "0"], 2) == 0  # A name goes before a number.
    assert class_number("1", [], 2) == 1
    assert (class_name(1, LABELS), class_name(1, [])) == ("white", "class 1")
    for name, labels, outputs, message in (
        ("4", LABELS, 4, r"no class '4'; expected the names in labels.txt \(red, white, green, ...\) or a number from 0 to 3"),
        ("-1", [], 4, "expected a number from 0 to 3"),
        ("red", [], 0, "expected none: the model has no classes"),
    ):
        with pytest.raises(ValueError, match=message):
            class_number(name, labels, outputs)


@pytest.fixture(scope="module")
def labels(examples):
    return np.concatenate([labels for _, labels, _ in central_crops(examples, "validation", size=56, batch_size=64)])


def test_different_classes_by_seed(examples, labels):
    chosen = {seed: one_of_each_class(examples, "validation", 2, seed) for seed in range(20)}
    for numbers, classes in chosen.values():
        assert numbers == sorted(numbers)
        assert labels[numbers].tolist() == classes
        assert len(set(classes)) == 2
    assert {label for _, classes in chosen.values() for label in classes} == {0, 1, 2}
    assert len({tuple(numbers) for numbers, _ in chosen.values()}) > 10
    assert chosen[3] == one_of_each_class(examples, "validation", 2, 3)


def test_no_more_than_there_are_classes(examples):
    assert sorted(one_of_each_class(examples, "validation", 9, 0)[1]) == [0, 1, 2]


def test_mean_of_images_that_do_not_come_first(examples, search_of, monkeypatch):
    images = search_of(Deconvnet(keras.Sequential([keras.Input((40, 56, 3)), keras.layers.Conv2D(2, 3)]))).images
    monkeypatch.setattr(images_module, "MOST", 2)
    name = images.labels[1]
    members = np.flatnonzero(images.origins.labels == list(images.labels).index(name))[:2]
    pictures = np.concatenate([batch[np.isin(numbers, members)] for batch, numbers in images.batches("", None)])
    found = mean_grey(None, images.image_input, images.within(name))
    np.testing.assert_allclose(found.values.ravel(), pictures.mean(axis=(0, 1, 2)), rtol=1e-5)
