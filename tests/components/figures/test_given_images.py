import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.data.batches import central_crops
from zfnet.components.figures.given_images import image_set, pictures
from zfnet.components.figures.images import ImageSet
from zfnet.components.inputs.centre_crop import read_centre_crop


@pytest.fixture(scope="module")
def model(gratings_net):
    return gratings_net().model


@pytest.fixture(scope="module")
def images(examples):
    return np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])[:, 8:48]


def gathered(given, numbers=None):
    parts = list(given.batches("Reading", numbers))
    return np.concatenate([images for images, _ in parts]), np.concatenate([places for _, places in parts]).tolist()


class Batches(keras.utils.PyDataset):
    """Images of an array, five at a time, with labels."""

    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return -(-len(self.images) // 5)

    def __getitem__(self, number):
        images = self.images[5 * number : 5 * number + 5]
        return images, np.zeros(len(images), int)


def datasets(images):
    labels = np.zeros(len(images), int)
    yield tf.data.Dataset.from_tensor_slices(images).batch(4)
    yield tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)
    yield tf.data.Dataset.from_tensor_slices((images, labels, labels)).batch(4)
    yield Batches(images)


def test_a_data_set_is_read_as_an_array(model, images):
    held = ImageSet.of_array(model, images)
    for dataset in datasets(images):
        given = image_set(model, dataset)
        assert given.origins.ids == held.origins.ids
        for numbers in (None, {3, 0, 7}):
            for one, other in zip(gathered(given, numbers), gathered(held, numbers), strict=True):
                np.testing.assert_array_equal(one, other)


def test_one_image_and_its_picture(model, images):
    np.testing.assert_array_equal(pictures(image_set(model, images[2])), np.rint(images[2:3]))


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_a_folder_is_read_as_commands_read_photographs(gratings_net, folder, layout, tmp_path):
    model = gratings_net(data_format=layout).model
    given = image_set(model, folder)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.png"))
    assert given.origins.ids == [str(path) for path in files]
    expected = np.stack([read_centre_crop(folder / path, 56).central(40, 56) for path in files])
    np.testing.assert_array_equal(pictures(given), expected)
    found, numbers = gathered(given, {40, 2})
    assert numbers == [2, 40]
    np.testing.assert_array_equal(found, np.moveaxis(expected[[2, 40]], 3, 1) if layout == "channels_first" else expected[[2, 40]])
    assert image_set(model, str(folder / files[5])).origins.ids == [files[5].name]


def test_files_that_are_no_photographs_are_left_out_and_named(model, tmp_path):
    whole = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    for name in ("a.png", "c.bmp"):
        Image.fromarray(whole).save(tmp_path / name)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:-20000])
    (tmp_path / "notes.txt").write_text("three photographs")
    (tmp_path / ".hidden").mkdir()
    Image.fromarray(whole).save(tmp_path / ".hidden/d.png")
    with pytest.warns(UserWarning, match="1 of 4 files are no images"):
        given = image_set(model, tmp_path)
    with pytest.warns(UserWarning, match=r"b\.png can't be read.* It is left out"):
        assert gathered(given)[1] == [0, 2]
    assert gathered(given, {1, 2})[1] == [2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda images: tf.data.Dataset.from_tensor_slices(images).batch(4).repeat(), "repeats without end"),
        (lambda images: tf.data.Dataset.from_tensor_slices(images), r"the shape \(40, 56, 3\)"),
        (lambda images: tf.data.Dataset.from_tensor_slices(images[:, :20]).batch(2), "are of 20 x 56 pixels; the model takes 40 x 56"),
        (lambda images: tf.data.Dataset.from_tensor_slices({"image": images}).batch(2), "a dict with the keys image"),
        (lambda images: tf.data.Dataset.from_tensor_slices(images[:0]).batch(2), "has no images"),
        (lambda images: "nowhere", "no photograph or folder nowhere"),
    ],
)
def test_wrong_images(model, images, change, words):
    with pytest.raises(ValueError, match=words):
        image_set(model, change(images))


def test_a_folder_without_photographs(model, tmp_path):
    with pytest.raises(ValueError, match=r"no photographs in .*JPEG, PNG"):
        image_set(model, tmp_path)


@pytest.mark.parametrize("change", [lambda images: images / 255, lambda images: images / 127.5 - 1, lambda images: images - 120])
def test_images_that_were_scaled_before(model, images, change):
    scaled = change(images.astype("float32"))
    for given in (scaled, scaled[0], *datasets(scaled)):
        with pytest.raises(ValueError, match=r"lie between .*; expected RGB 0\.\.255"):
            image_set(model, given)


def test_dark_images_are_not_taken_for_scaled_ones(model, images):
    for given in (np.zeros_like(images, "float32"), (images > 99).astype("uint8"), np.clip(images - 30.0, -20, 255)):
        assert len(pictures(image_set(model, given))) == len(images)
    mixed = np.concatenate([np.full((4, *images.shape[1:]), 0.5, "float32"), images])
    assert len(pictures(image_set(model, tf.data.Dataset.from_tensor_slices(mixed).batch(4)))) == len(mixed)
