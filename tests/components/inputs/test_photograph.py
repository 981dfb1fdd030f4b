import io
import struct

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph


def encode(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, kind, **options)
    return file.getvalue()


def decode(jpeg: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        return np.asarray(image).astype(int)


def blobs(height: int, width: int) -> np.ndarray:
    """A picture with nothing symmetric about it and no fine detail."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.stack([255 * rows, 255 * columns, 127 * (1 + np.sin(7 * rows * columns + 3 * columns))], -1).round().astype(np.uint8)


@pytest.mark.parametrize(("height", "width", "box"), [(90, 241, (0, 75, 90, 165)), (250, 91, (79, 0, 170, 91)), (60, 60, (0, 0, 60, 60))])
@pytest.mark.parametrize("side", [37, 110])
def test_the_square_is_where_the_rule_says(height, width, box, side):
    shortest = min(height, width)
    inside = np.arange(3, side - 3)
    for axis, length in ((0, height), (1, width)):
        ramp = np.arange(length, dtype=np.uint8)  # grows by one a pixel, and a linear picture stays linear
        ramp = np.tile(ramp[:, None], (1, width)) if axis == 0 else np.tile(ramp, (height, 1))
        jpeg, found = prepare_photograph(encode(ramp), side)
        assert found == box
        # The centre of stored pixel i lies at corner + (i + 0.5) * shortest / side in the photograph; the corner is not rounded.
        expected = (length - shortest) / 2 + (inside + 0.5) * shortest / side - 0.5
        values = decode(jpeg)[..., 0].mean(axis=1 - axis)[inside]
        np.testing.assert_allclose(values, expected, atol=2)
        assert abs((values - expected).mean()) < 0.2


UPRIGHT = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("kind", "size"), [("JPEG", (601, 401)), ("JPEG", (61, 41)), ("PNG", (61, 41)), ("TIFF", (61, 41)), ("WEBP", (61, 41))]
)
def test_exif_orientation_is_applied(orientation, kind, size):
    image = Image.fromarray(blobs(size[1], size[0]))
    expected, expected_box = prepare_photograph(encode(image), 40)
    stored = image if UPRIGHT[orientation] is None else image.transpose(UPRIGHT[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    jpeg, box = prepare_photograph(encode(stored, kind, exif=exif, **options), 40)
    assert box == expected_box
    assert np.abs(decode(jpeg) - decode(expected)).mean() < 4  # any other orientation differs by 50 and more


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16", "RGBA"])
def test_exif_orientation_is_applied_whatever_the_mode(mode):
    grey = Image.fromarray(blobs(41, 61)).convert("L")
    image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    expected, expected_box = prepare_photograph(encode(grey), 40)
    jpeg, box = prepare_photograph(encode(image.transpose(UPRIGHT[6]), "TIFF" if mode == "CMYK" else "PNG", exif=exif), 40)
    assert box == expected_box
    assert np.abs(decode(jpeg) - decode(expected)).mean() < 2


def exif(kind: int, count: int, value: bytes) -> bytes:
    """EXIF that holds an orientation of any type."""
    return b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHI4s", 0x0112, kind, count, value) + bytes(4)


@pytest.mark.filterwarnings("ignore::UserWarning")  # pytest overrules the filter of the module
@pytest.mark.parametrize(
    ("told", "applied"),
    [
        (exif(3, 1, b"\6\0"), True),
        (exif(4, 1, b"\6\0"), True),
        (exif(3, 2, b"\6\0\6\0"), True),
        (exif(2, 2, b"6\0"), False),
        (exif(7, 1, b"\6"), False),
        (exif(3, 1, b"\0\0"), False),
        (exif(3, 1, b"\x09\0"), False),
        (exif(3, 1, b"\6\0")[:16], False),
        (exif(3, 2**31, b"\6\0"), False),
        (b"Exif\0\0no such thing", False),
        (b"Exif\0\0", False),
    ],
    ids=["short", "long", "two", "text", "undefined", "zero", "nine", "cut off", "billions", "garbage", "empty"],
)
def test_an_orientation_of_any_kind_is_applied_or_counts_as_none(told, applied):
    plain = prepare_photograph(encode(blobs(60, 90), "JPEG"), 40)
    found = prepare_photograph(encode(blobs(60, 90), "JPEG", exif=told), 40)
    assert found[1] == ((15, 0, 75, 60) if applied else (0, 15, 60, 75))
    assert (found == plain) is not applied


def test_a_description_that_breaks_the_parser_is_no_reason_to_refuse():
    text = PngInfo()
    text.add_text("Raw profile type exif", "\nexif\n  10\nno hexadecimal number")
    assert prepare_photograph(encode(blobs(60, 90), pnginfo=text), 40) == prepare_photograph(encode(blobs(60, 90)), 40)


@pytest.mark.parametrize("size", [(801, 1203), (1203, 801), (1000, 1000)])
def test_decoding_at_a_fraction_does_not_move_the_square(size):
    pixels = blobs(*size)
    jpeg, box = prepare_photograph(encode(pixels, "JPEG", quality=95), 40)  # decoded at an eighth
    expected, expected_box = prepare_photograph(encode(pixels), 40)
    assert box == expected_box
    assert np.abs(decode(jpeg) - decode(expected)).mean() < 1.5
    assert np.abs((decode(jpeg) - decode(expected)).mean(axis=(0, 1))).max() < 0.5


@pytest.mark.parametrize(("height", "width", "box"), [(300, 1, (149, 0, 150, 1)), (2, 20_000, (0, 9999, 2, 10_001))])
def test_thin_and_wide_pictures(height, width, box):
    jpeg, found = prepare_photograph(encode(np.full((height, width, 3), 77, np.uint8)), 16)
    assert found == box
    np.testing.assert_allclose(decode(jpeg), 77, atol=2)


def test_nothing_but_pixels_is_stored():
    plain = encode(blobs(60, 80), "JPEG", quality=95)
    exif = Image.Exif()
    exif[0x010E] = "a description"
    told = encode(blobs(60, 80), "JPEG", quality=95, comment=b"a comment", exif=exif, dpi=(300, 300), icc_profile=b"profile" * 30)
    assert prepare_photograph(plain, 40) == prepare_photograph(told, 40)


def bmp_of_palette(bits: int, numbers: np.ndarray, levels: list[int]) -> bytes:
    """A BMP whose palette holds grey levels; `numbers` are below 2 ** bits, `(height, width)`, and the width fills whole bytes."""
    places = np.unpackbits(numbers[..., None], axis=2)[..., 8 - bits :]
    rows = np.packbits(places.reshape(len(numbers), -1), axis=1)
    data = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))[::-1].tobytes()
    palette = b"".join(bytes([level, level, level, 0]) for level in levels)
    head = struct.pack("<IiiHHIIiiII", 40, numbers.shape[1], len(numbers), 1, bits, 0, len(data), 0, 0, len(levels), 0)
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + head + palette + data


@pytest.mark.parametrize(
    ("bits", "levels", "fine"),
    [
        (1, [0, 255], True),
        (4, [0, 255], False),
        (8, [0, 255], False),
        (8, [255, 0], True),
        (4, list(range(16)), False),
        (4, list(range(0, 256, 17)), True),
        (8, list(range(256)), True),
    ],
)
def test_palettes_that_pillow_drops(bits, levels, fine):
    numbers = (blobs(48, 64)[..., 0].astype(int) * len(levels) // 256).astype(np.uint8)
    encoded = bmp_of_palette(bits, numbers, levels)
    if fine:
        assert prepare_photograph(encoded, 40) == prepare_photograph(encode(np.uint8(levels)[numbers]), 40)
    else:
        with pytest.raises(UnreadablePhotograph, match="a BMP whose palette is black and white, or grey levels, but not of"):
            prepare_photograph(encoded, 40)
