"""Against Pillow, which turns images on its own, and against the preparation for training."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from zfnet.components.inputs.photograph import prepare_photograph
from zfnet.components.serving.served_image import (
    TOO_LARGE,
    UNREADABLE,
    _exif_orientation,
    _read_orientation,
    _turn_upright,
    _value_or,
    prepare_image,
    served_image,
)

PIXELS = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3) * 3


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
    prepared = prepare_image(tf.constant(content), side=64, size=56).numpy()
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
    served = [prepare_image(tf.constant(bytes_), side=64, size=56) for bytes_ in (content, plain.getvalue())]
    np.testing.assert_allclose(*served, atol=1)


def asked(content):
    image, error = tf.function(lambda content: served_image(content, side=64, size=56))(tf.constant(content))
    return image.numpy(), error.numpy().decode()


def test_an_image_has_no_error(photograph):
    content = encoded(photograph, "PNG")
    image, error = asked(content)
    assert error == ""
    np.testing.assert_array_equal(image, prepare_image(tf.constant(content), side=64, size=56))


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
        assert error == UNREADABLE
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


def jpeg(exif: bytes = b"", **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(PIXELS).save(content, "JPEG", quality=100, subsampling=0, exif=exif, **options)
    return content.getvalue()


def described(orientation: int, order: str) -> bytes:
    """An EXIF block of several entries, least (`<`) or most (`>`) significant byte first."""
    values = {0x010E: (2, 4, b"abc\0"), 0x0112: (3, 1, struct.pack(f"{order}HH", orientation, 0)), 0x0128: (3, 1, bytes(4))}
    entries = [(tag, kind, count, value) for tag, (kind, count, value) in values.items()]
    packed = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries)
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return b"Exif\0\0" + head + struct.pack(f"{order}H", len(entries)) + packed + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_stands_as_pillow_turns_it(orientation, order):
    encoded = jpeg(described(orientation, order))
    assert Image.open(io.BytesIO(encoded)).getexif()[0x0112] == orientation
    assert _exif_orientation(tf.constant(encoded)) == orientation
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(encoded))))
    np.testing.assert_array_equal(_turn_upright(np.asarray(Image.open(io.BytesIO(encoded))), tf.constant(orientation)), upright)


def test_other_segments_may_come_first():
    encoded = jpeg(described(6, ">"), comment=b"x" * 3000, xmp=b"<x/>" * 100)
    body = encoded[2:]
    extra = b"\xff\xe1" + struct.pack(">H", 40) + b"http://ns.adobe.com/xap/1.0/\0" + bytes(9)
    assert _exif_orientation(tf.constant(encoded[:2] + extra + body)) == 6


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xff",
        b"\xff\xd8\xff\xe1",
        b"no image",
        jpeg(),
        jpeg(described(9, "<")),
        jpeg(described(0, "<")),
        jpeg(described(6, "<")[:30]),
        jpeg(b"Exif\0\0II*\0\xff\xff\xff\x7f"),
        jpeg(b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
        jpeg(described(6, "<"))[:40],
    ],
)
def test_what_does_not_say_is_upright(encoded):
    assert _exif_orientation(tf.constant(encoded)) == 1


def test_healthy_files_raise_nothing_that_a_server_would_log():
    described_otherwise = Image.Exif()
    described_otherwise[0x010F] = "a camera"
    profile = b"\xff\xe2" + struct.pack(">H", 65535) + bytes(65533)
    plain = jpeg()
    for encoded in (plain, jpeg(described_otherwise.tobytes()), plain[:2] + 5 * profile + plain[2:], b"\x89PNG\r\n\x1a\n" + bytes(30), b""):
        assert _read_orientation(tf.constant(encoded)) == 1


def root(number):
    with tf.control_dependencies([tf.debugging.assert_non_negative(number)]):
        return tf.sqrt(number)


def test_result_or_what_stands_for_it():
    assert _value_or(root, tf.constant(9.0), tf.constant(-1.0)) == 3
    assert _value_or(root, tf.constant(-9.0), tf.constant(-1.0)) == -1


def test_in_a_graph_one_failure_leaves_the_others():
    roots = tf.function(lambda numbers: tf.map_fn(lambda number: _value_or(root, number, tf.constant(-1.0)), numbers))
    assert roots(tf.constant([4.0, -1.0, 16.0])).numpy().tolist() == [2, -1, 4]
