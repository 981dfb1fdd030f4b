"""Against Pillow, which turns images on its own, and against the preparation for training."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from zfnet.components.inputs.photograph import MAX_SIDE, UnreadablePhotograph, _to_plain, prepare_photograph
from zfnet.components.serving.bmp import UNREADABLE_BMP
from zfnet.components.serving.gif import UNREADABLE_GIF
from zfnet.components.serving.served_image import (
    TOO_LARGE,
    UNREADABLE,
    _turn_upright,
    prepare_image,
    served_image,
)

PIXELS = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3) * 3


IN_GRAPH = tf.function(lambda content: served_image(content, side=64, size=56), input_signature=[tf.TensorSpec([], tf.string)])
PREPARED = tf.function(lambda content: prepare_image(content, side=64, size=56), input_signature=[tf.TensorSpec([], tf.string)])


@pytest.fixture(scope="module")
def photograph():
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (9, 13, 3), dtype=np.uint8)).resize((240, 150), Image.Resampling.BICUBIC)
    return np.asarray(smooth)


def encoded(pixels, kind, **options):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}), **options)
    return content.getvalue()


def assert_as_in_training(content):
    stored, _ = prepare_photograph(content, 64)
    expected = np.asarray(Image.open(io.BytesIO(stored)), "float32")[4:60, 4:60]
    prepared = PREPARED(content).numpy()
    assert prepared.shape == (56, 56, 3)
    # What is stored went through JPEG once more.
    assert np.abs(prepared - expected).mean() < 2
    assert np.abs(prepared - expected).max() < 24


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
@pytest.mark.parametrize("turned", [False, True])
def test_prepares_images_as_they_were_prepared_for_training(photograph, kind, turned):
    assert_as_in_training(encoded(photograph.swapaxes(0, 1) if turned else photograph, kind))


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_applies_the_orientation(photograph, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_as_in_training(encoded(photograph, "JPEG", exif=exif))


def test_lays_transparent_pixels_over_white(photograph):
    alpha = np.linspace(0, 255, 240).astype(np.uint8) + np.zeros((150, 1), np.uint8)
    assert_as_in_training(encoded(np.dstack([photograph, alpha]), "PNG"))


def test_grey_and_palettes_become_rgb(photograph):
    assert_as_in_training(encoded(photograph[..., 0], "JPEG"))
    assert_as_in_training(encoded(photograph[..., 0], "PNG"))
    few_colours = np.asarray(Image.fromarray(photograph[:15, :24]).resize((240, 150), Image.Resampling.NEAREST))
    assert_as_in_training(encoded(few_colours // 64 * 64, "GIF"))


@pytest.mark.parametrize(("colours", "bits"), [(0, 1), (2, 1), (4, 2), (16, 4), (200, 8)])
@pytest.mark.parametrize("see_through", [False, True])
def test_few_bits_a_sample(photograph, colours, bits, see_through):
    content, plain = io.BytesIO(), io.BytesIO()
    image = Image.fromarray(photograph)
    image = image.quantize(colours) if colours else image.convert("1")
    image.save(content, "PNG", bits=bits, **({"transparency": 0} if see_through else {}))
    content = content.getvalue()
    assert content[24] == bits
    layers = Image.open(io.BytesIO(content)).convert("RGBA")
    assert (layers.getextrema()[3] == (255, 255)) is not see_through
    Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB").save(plain, "PNG")
    served = [PREPARED(bytes_) for bytes_ in (content, plain.getvalue())]
    np.testing.assert_allclose(*served, atol=1)


def asked(content):
    image, error = IN_GRAPH(content)
    return image.numpy(), error.numpy().decode()


def test_an_image_has_no_error(photograph):
    content = encoded(photograph, "PNG")
    image, error = asked(content)
    assert error == ""
    np.testing.assert_array_equal(image, PREPARED(content))


def test_what_can_not_be_read_is_said(photograph):
    jpeg, png, gif, bmp = (encoded(photograph, kind) for kind in ("JPEG", "PNG", "GIF", "BMP"))
    for content in (
        b"",
        b"no image",
        jpeg[: len(jpeg) // 2],
        png[: len(png) // 2],
        png[:20],
        gif[:7],
        bmp[:30],
        jpeg[:3],
        b"RIFF0000WEBPVP8 ",
    ):
        image, error = asked(content)
        kinds = {b"BM": UNREADABLE_BMP, b"GIF8": UNREADABLE_GIF}
        assert error == next((said for magic, said in kinds.items() if content.startswith(magic)), UNREADABLE)
        assert image.shape == (56, 56, 3)
        assert not image.any()


def test_a_bomb_is_not_decoded():
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    gif = b"GIF89a" + struct.pack("<HH", 65_000, 65_000) + bytes(20)
    bmp = b"BM" + bytes(16) + struct.pack("<ii", 30_000, -30_000) + bytes(30)
    assert [asked(content)[1] for content in (png, gif, bmp)] == [TOO_LARGE] * 3


def test_a_long_side_is_refused():
    wide = encoded(np.zeros((1, MAX_SIDE + 1), np.uint8), "PNG")
    assert asked(wide)[1] == TOO_LARGE
    with pytest.raises(UnreadablePhotograph, match="along a side"):
        prepare_photograph(wide, 64)


def test_endless_scans_are_refused():
    content = encoded(PIXELS.repeat(400, 0).repeat(600, 1), "JPEG", progressive=True)
    assert asked(content)[1] == ""
    scan = content[content.rindex(b"\xff\xda") : -2]
    endless = content[:-2] + 1600 * scan + content[-2:]
    assert asked(endless)[1] == UNREADABLE
    with pytest.raises(UnreadablePhotograph, match="too many scans"):
        prepare_photograph(endless, 64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_stands_as_pillow_turns_it(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.open(io.BytesIO(encoded(PIXELS, "JPEG", exif=exif)))
    upright = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(_turn_upright(np.asarray(image), tf.constant(orientation)), upright)


# Whatever Pillow can write of the formats that are served, in every mode and with every option that changes pixels.
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "F", "I;16", "PA", "RGBX", "HSV", "LAB")
OPTIONS = {
    "BMP": ({},),
    "GIF": ({}, {"interlace": 0}, {"transparency": 0}, {"exif": 6}, {"frames": 2}, {"frames": 2, "disposal": 2, "transparency": 5}),
    "JPEG": ({}, {"progressive": True}, {"keep_rgb": True}, {"subsampling": "4:2:0"}, {"subsampling": "4:2:2"}, {"exif": 6}),
    "MPO": ({"frames": 2},),
    "PNG": ({}, {"transparency": 0}, {"exif": 6}, {"frames": 2}, {"frames": 2, "default_image": True}),
}


def in_mode(pixels, mode):
    image = Image.fromarray(pixels)
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 257 + 19)
    if mode in ("LA", "RGBA", "PA"):
        image = image.convert("L" if mode == "LA" else "RGB")
        image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, pixels.shape[1]).astype(np.uint8), (len(pixels), 1))))
    if mode == "PA":
        return image.convert("LA").convert("PA")
    if mode == "LAB":
        return Image.merge("LAB", image.split())
    return image.quantize(64) if mode == "P" else image.convert(mode)


def written(pixels, kind, mode, *, exif=None, frames=1, **options):
    """A file, or None if Pillow does not write it."""
    image, content = in_mode(pixels, mode), io.BytesIO()
    if exif:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = exif
    if frames > 1:
        options |= {"save_all": True, "append_images": [in_mode(255 - pixels, mode)]}
    try:
        image.save(content, kind, **options)
    except (OSError, ValueError, TypeError):
        return None
    return content.getvalue()


def served_as_prepared(content):
    """Whether the file is read; if so, as a plain PNG of what preparation makes of it."""
    image, error = asked(content)
    with Image.open(io.BytesIO(content)) as opened:
        plain = _to_plain(ImageOps.exif_transpose(opened)).convert("RGB")
    expected, no_error = asked(encoded(np.asarray(plain), "PNG"))
    assert no_error == ""
    if not error:
        np.testing.assert_allclose(image, expected, atol=1)
    return not error


@pytest.mark.filterwarnings("ignore::UserWarning")  # pytest overrules the filter of the module
@pytest.mark.parametrize(("kind", "options"), [(kind, options) for kind, several in OPTIONS.items() for options in several])
def test_all_that_pillow_writes(photograph, kind, options):
    files = {mode: written(photograph, kind, mode, **options) for mode in MODES}
    read = {mode: served_as_prepared(content) for mode, content in files.items() if content}
    refused = {mode for mode, well in read.items() if not well}
    assert len(read) > 3
    assert refused == ({"1"} if kind == "BMP" else set())
