import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.batches import central_crops
from zfnet.components.inputs.centre_crop import read_centre_crop, read_image, to_centre_crop
from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph


@pytest.fixture
def photograph(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 140, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def test_where_the_square_lies_and_what_a_model_sees_of_it(photograph):
    square = read_centre_crop(photograph, 56)
    assert (square.pixels.shape, square.pixels.dtype) == ((64, 64, 3), np.uint8)
    assert square[1:] == (0, 25, 90)
    np.testing.assert_array_equal(square.central(56, 56), read_image(photograph, 56))
    np.testing.assert_array_equal(square.central(40, 56), read_image(photograph, 56)[8:48])
    assert square.corner(40, 56) == (12, 4)
    assert square.corner(56, 41) == (4, 11)


def test_from_bytes(photograph):
    np.testing.assert_array_equal(to_centre_crop(photograph.read_bytes(), 56).pixels, read_centre_crop(photograph, 56).pixels)
    with pytest.raises(UnreadablePhotograph):
        to_centre_crop(b"no picture", 56)


def test_a_file_looks_as_it_does_as_an_example(folder, examples):
    # Example 0 of a split is one of the files; which one, its pixels tell.
    ((images, _, _),) = central_crops(examples, "validation", size=56, batch_size=1).take(1)
    example = images[0].numpy()
    distances = [np.abs(read_image(path, 56) - example).max() for path in folder.glob("*/*.png")]
    assert min(distances) <= 1
    assert sorted(distances)[1] > 10


def test_orientation_and_centre(tmp_path):
    # Stored lying on its side: seen upright, the left half is red and the right half blue.
    stored = np.zeros((120, 80, 3), np.uint8)
    stored[:60], stored[60:] = (0, 0, 255), (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).rotate(180).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    image = read_image(tmp_path / "turned.jpg", 42)
    assert (image.shape, image.dtype) == ((42, 42, 3), np.uint8)
    assert image[21, 5].argmax() == 2
    assert image[21, 36].argmax() == 0


def test_size_of_what_is_seen(tmp_path):
    # One white column, 1/16 of the side from the left: outside of the central seven eighths.
    photograph = np.zeros((160, 160, 3), np.uint8)
    photograph[:, 8:10], photograph[:, 12:14] = 255, 255
    Image.fromarray(photograph).save(tmp_path / "lines.png")
    assert prepare_photograph((tmp_path / "lines.png").read_bytes(), 160)
    image = read_image(tmp_path / "lines.png", 140)
    assert image[:, 2:4].min() > 200
    assert image[:, 6:].max() < 60


@pytest.mark.parametrize(("content", "reason"), [(b"", "the file is empty"), (b"no picture", "none of JPEG"), (None, "No such file")])
def test_what_cannot_be_read_is_named(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "cat.png").write_bytes(content)
    with pytest.raises(ValueError, match=f"The image .*cat.png can't be read: {reason}"):
        read_image(tmp_path / "cat.png", 56)
