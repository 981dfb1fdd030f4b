"""Against Pillow, which turns images on its own."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from zfnet.components.serving.exif_orientation import _read, exif_orientation, turn_upright, value_or

PIXELS = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3) * 3


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
    assert exif_orientation(tf.constant(encoded)) == orientation
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(encoded))))
    np.testing.assert_array_equal(turn_upright(np.asarray(Image.open(io.BytesIO(encoded))), tf.constant(orientation)), upright)


def test_other_segments_may_come_first():
    encoded = jpeg(described(6, ">"), comment=b"x" * 3000, xmp=b"<x/>" * 100)
    body = encoded[2:]
    extra = b"\xff\xe1" + struct.pack(">H", 40) + b"http://ns.adobe.com/xap/1.0/\0" + bytes(9)
    assert exif_orientation(tf.constant(encoded[:2] + extra + body)) == 6


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
    assert exif_orientation(tf.constant(encoded)) == 1


def test_healthy_files_raise_nothing_that_a_server_would_log():
    described_otherwise = Image.Exif()
    described_otherwise[0x010F] = "a camera"
    profile = b"\xff\xe2" + struct.pack(">H", 65535) + bytes(65533)
    plain = jpeg()
    for encoded in (plain, jpeg(described_otherwise.tobytes()), plain[:2] + 5 * profile + plain[2:], b"\x89PNG\r\n\x1a\n" + bytes(30), b""):
        assert _read(tf.constant(encoded)) == 1


def root(number):
    with tf.control_dependencies([tf.debugging.assert_non_negative(number)]):
        return tf.sqrt(number)


def test_result_or_what_stands_for_it():
    assert value_or(root, tf.constant(9.0), tf.constant(-1.0)) == 3
    assert value_or(root, tf.constant(-9.0), tf.constant(-1.0)) == -1


def test_in_a_graph_one_failure_leaves_the_others():
    roots = tf.function(lambda numbers: tf.map_fn(lambda number: value_or(root, number, tf.constant(-1.0)), numbers))
    assert roots(tf.constant([4.0, -1.0, 16.0])).numpy().tolist() == [2, -1, 4]
