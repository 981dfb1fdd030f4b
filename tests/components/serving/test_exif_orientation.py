"""Against Pillow, which reads EXIF and XMP data on its own."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.inputs.photograph import UPRIGHT
from zfnet.components.serving.exif_orientation import exif_orientation, read_orientation

PIXELS = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3) * 3
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation%s"/></x:xmpmeta>'


IN_GRAPH, RAISING = (tf.function(read, input_signature=[tf.TensorSpec([], tf.string)]) for read in (exif_orientation, read_orientation))


def of_pillow(encoded: bytes) -> int:
    with Image.open(io.BytesIO(encoded)) as image:
        try:
            told = image.getexif().get(0x0112)
        except SyntaxError:  # no EXIF data
            told = 1
    return told if told in UPRIGHT else 1


def jpeg(exif: bytes = b"", kind: str = "JPEG", **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(PIXELS).save(content, kind, quality=100, subsampling=0, exif=exif, **options)
    return content.getvalue()


def described(orientation: int, order: str) -> bytes:
    """An EXIF block of several entries, least (`<`) or most (`>`) significant byte first."""
    values = {0x010E: (2, 4, b"abc\0"), 0x0112: (3, 1, struct.pack(f"{order}HH", orientation, 0)), 0x0128: (3, 1, bytes(4))}
    entries = [(tag, kind, count, value) for tag, (kind, count, value) in values.items()]
    packed = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries)
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return b"Exif\0\0" + head + struct.pack(f"{order}H", len(entries)) + packed + bytes(4)


def test_other_segments_may_come_first():
    encoded = jpeg(described(6, ">"), comment=b"x" * 3000, xmp=b"<x/>" * 100)
    body = encoded[2:]
    extra = b"\xff\xe1" + struct.pack(">H", 40) + b"http://ns.adobe.com/xap/1.0/\0" + bytes(9)
    assert IN_GRAPH(encoded[:2] + extra + body) == 6


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
    assert IN_GRAPH(encoded) == 1


def test_healthy_files_raise_nothing_that_a_server_would_log():
    described_otherwise = Image.Exif()
    described_otherwise[0x010F] = "a camera"
    profile = b"\xff\xe2" + struct.pack(">H", 65535) + bytes(65533)
    plain = jpeg()
    for encoded in (
        plain,
        jpeg(kind="PNG"),
        jpeg(described_otherwise.tobytes()),
        plain[:2] + 5 * profile + plain[2:],
        b"\x89PNG\r\n\x1a\n" + bytes(30),
        b"",
    ):
        assert RAISING(encoded) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(10))
def test_what_pillow_reads(orientation, order, kind):
    encoded = jpeg(described(orientation, order), kind)
    assert IN_GRAPH(encoded) == of_pillow(encoded) == (orientation if 1 <= orientation <= 8 else 1)


def entry(kind: int, count: int, value: bytes, order: str = "<", tag: int = 0x0112, twice: bytes = b"") -> bytes:
    """An EXIF block with one entry, or two."""
    entries = [struct.pack(f"{order}HHI", tag, kind, count) + each.ljust(4, b"\0") for each in (value, twice) if each]
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(entries))
    return b"Exif\0\0" + head + b"".join(entries) + bytes(4)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "exif",
    [
        entry(3, 1, b"\6\0"),
        entry(3, 1, b"\0\6", ">"),
        entry(4, 1, b"\6\0\0\0"),
        entry(4, 1, b"\0\0\0\6", ">"),
        entry(8, 1, b"\6\0"),
        entry(9, 1, b"\0\0\0\6", ">"),
        entry(3, 2, b"\6\0\6\0"),
        entry(3, 1, b"\6\0", twice=b"\3\0"),
        entry(2, 2, b"6\0"),
        entry(7, 1, b"\6"),
        entry(3, 0, b"\6\0"),
        entry(3, 2**31, b"\6\0"),
        entry(3, 1, b"\6\0", tag=0x0128),
        entry(3, 1, b"\6\0")[:20],
        b"Exif\0\0II\0\0" + entry(3, 1, b"\6\0")[10:],
    ],
)
def test_entries_of_any_type(exif, kind):
    encoded = jpeg(exif, kind)
    assert IN_GRAPH(encoded) == of_pillow(encoded)


def in_png(encoded: bytes, name: bytes, content: bytes, place: bytes) -> bytes:
    """A PNG with one chunk more, before that called `place`."""
    at = encoded.index(place) - 4
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return encoded[:at] + chunk + encoded[at:]


@pytest.mark.parametrize("place", [b"IDAT", b"IEND"])
def test_anywhere_in_a_png(place):
    encoded = in_png(in_png(jpeg(kind="PNG"), b"tEXt", b"Comment\0" + 500 * b"x", place), b"eXIf", entry(3, 1, b"\6\0")[6:], place)
    assert IN_GRAPH(encoded) == of_pillow(encoded) == 6
    assert IN_GRAPH(encoded[: encoded.index(b"eXIf") + 20]) == 1


@pytest.mark.parametrize(("told", "expected"), [(b'="6', 6), (b">6</tiff:Orientation><x y=", 6), (b'="9', 1), (b"s=", 1)])
def test_xmp_of_editors_that_write_no_exif(told, expected):
    xmp = XMP % told
    files = [
        jpeg(xmp=xmp),
        in_png(jpeg(kind="PNG"), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp, b"IDAT"),
        jpeg(entry(3, 1, b"\6\0", tag=0x0128), xmp=xmp),
    ]
    for encoded in files:
        assert IN_GRAPH(encoded) == of_pillow(encoded) == expected


def test_exif_has_the_first_word():
    encoded = jpeg(entry(3, 1, b"\3\0"), xmp=XMP % b'="6')
    assert IN_GRAPH(encoded) == of_pillow(encoded) == 3
