import keras
import numpy as np
import pytest

from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.image_set import ImageSet, mean_grey
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model import Deconvnet, build

layers = keras.layers


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
