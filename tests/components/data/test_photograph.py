import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.photograph import UnreadablePhotograph, prepare_photograph


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


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("TIFF", {}),
        ("PPM", {}),
        ("JPEG2000", {}),
    ],
)
def test_every_format_gives_the_same_picture(kind, options):
    expected = decode(prepare_photograph(encode(blobs(60, 80)), 40)[0])
    jpeg, box = prepare_photograph(encode(blobs(60, 80), kind, **options), 40)
    assert box == (0, 10, 60, 70)
    assert np.abs(decode(jpeg) - expected).mean() < 2


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "PNG"), ("L", "JPEG"), ("1", "PNG"), ("P", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("CMYK", "TIFF")]
)
def test_every_mode_becomes_rgb(mode, kind):
    image = Image.fromarray(blobs(60, 80)).convert(mode)
    expected = np.asarray(image.convert("RGB").resize((40, 40), Image.Resampling.BICUBIC, box=(10, 0, 70, 60))).astype(int)
    assert np.abs(decode(prepare_photograph(encode(image, kind), 40)[0]) - expected).mean() < 6


def test_transparent_pixels_are_laid_over_white():
    pixels = np.dstack([blobs(40, 60), np.full((40, 60), 255, np.uint8)])
    pixels[:, :30, 3] = 0
    found = decode(prepare_photograph(encode(pixels), 40)[0])
    assert (found[:, :15] > 250).all()
    assert np.abs(found[:, 25:] - blobs(40, 60)[:, 35:50]).mean() < 4
    palette = Image.fromarray(np.zeros((40, 60, 3), np.uint8)).convert("P")
    assert decode(prepare_photograph(encode(palette, transparency=0), 20)[0]).min() > 250


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_brightness(kind):
    grey = np.tile(np.linspace(0, 65535, 80).astype(np.uint16), (60, 1))
    expected = (grey[:, 10:70] >> 8).astype(int)
    np.testing.assert_allclose(decode(prepare_photograph(encode(grey, kind), 60)[0])[..., 1], expected, atol=3)


def test_floating_point_pixels_are_refused():
    with pytest.raises(UnreadablePhotograph, match="mode F"):
        prepare_photograph(encode(np.ones((20, 30), np.float32), "TIFF"), 10)


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (50, 40), colour) for colour in ("red", "blue")]
    animation = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(decode(prepare_photograph(animation, 10)[0])[5, 5], (255, 0, 0), atol=4)


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
@pytest.mark.parametrize(("kind", "size"), [("JPEG", (601, 401)), ("JPEG", (61, 41)), ("PNG", (61, 41)), ("TIFF", (61, 41))])
def test_exif_orientation_is_applied(orientation, kind, size):
    image = Image.fromarray(blobs(size[1], size[0]))
    expected, expected_box = prepare_photograph(encode(image), 40)
    stored = image if UPRIGHT[orientation] is None else image.transpose(UPRIGHT[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg, box = prepare_photograph(encode(stored, kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {})), 40)
    assert box == expected_box
    assert np.abs(decode(jpeg) - decode(expected)).mean() < 4  # any other orientation differs by 50 and more


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


def png(width: int, height: int) -> bytes:
    """A PNG file that says it has this size, and has next to no pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"this is a text", "none of JPEG"),
        (bytes(range(256)) * 9, "none of JPEG"),
        (encode(blobs(60, 80), "JPEG")[:700], "truncated"),
        (encode(blobs(60, 80))[:700], "truncated"),
        (png(30_000, 30_000), "900000000 pixels"),
        (png(12_000, 10_000), "pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "none of JPEG"),
    ],
    ids=["empty", "text", "bytes", "truncated JPEG", "truncated PNG", "bomb", "small bomb", "PostScript"],
)
def test_what_cannot_be_decoded_says_why(content, reason):
    with pytest.raises(UnreadablePhotograph, match=reason):
        prepare_photograph(content, 40)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_damaged_files_are_read_or_refused(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encode(blobs(60, 80), kind, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}))
    random = np.random.default_rng(7)
    outcomes = set()
    for _ in range(150):
        content = bytearray(whole)
        for place in random.integers(0, len(content), random.integers(1, 12)):
            content[place] = random.integers(0, 256)
        try:
            jpeg, _ = prepare_photograph(bytes(content), 20)
            assert decode(jpeg).shape == (20, 20, 3)
            outcomes.add("read")
        except UnreadablePhotograph:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
