import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph

HEIGHT, WIDTH = 60, 80


def encode(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, kind, **options)
    return file.getvalue()


def decode(jpeg: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        return np.asarray(image).astype(int)


def png(pixels: np.ndarray, colour: int, extra: bytes = b"") -> bytes:
    """A PNG file of 8 or 16 bits, written down by the specification: colour 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(len(pixels), -1)
    content = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8 * pixels.itemsize, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def run_length_bmp(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """A BMP file of 8 bits that is packed as runs of one pixel each."""
    table = np.pad(palette[:, ::-1], ((0, 0), (0, 1))).tobytes()
    packed = b"".join(b"".join(bytes([1, index]) for index in row) + b"\0\0" for row in indices[::-1]) + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 1, len(packed), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(table) + len(packed), 0, 0, 54 + len(table)) + head + table + packed


rows, columns = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
RGB = np.stack([255 * rows, 255 * columns, 127 * (1 + np.sin(7 * rows * columns + 3 * columns))], -1).round().astype(np.uint8)
GREY = RGB[..., 2]
ALPHA = (255 * (1 - rows * columns)).round().astype(np.uint8)
INDICES = (np.arange(HEIGHT)[:, None] // 8 + 8 * (np.arange(WIDTH) // 8)).astype(np.uint8)
PALETTE = np.random.default_rng(3).integers(0, 256, (256, 3)).astype(np.uint8)
OTHER = 255 - RGB  # a second frame or page, which must not be seen


def fine(pixels: np.ndarray) -> np.ndarray:
    """The same in 16 bits, with lower bits that must not matter."""
    return (pixels.astype(np.uint16) << 8) + (37 * np.arange(pixels.size).reshape(pixels.shape) % 256).astype(np.uint16)


def over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return (pixels * share + 255 * (1 - share)).round().astype(np.uint8)


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, -1)


def paletted(**options) -> Image.Image:
    image = Image.fromarray(INDICES)
    image.putpalette(PALETTE.tobytes())
    return image


def ycck(cmyk: np.ndarray) -> bytes:
    """A JPEG file of the kind Photoshop writes: inverted CMYK whose first three components are luminance and colour differences."""
    stored = 255.0 - cmyk
    red, green, blue = 255 - np.moveaxis(stored[..., :3], -1, 0)  # as the Adobe transform 2 has it: RGB is the complement of CMY
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    components = np.stack([luminance, 128 + (blue - luminance) / 1.772, 128 + (red - luminance) / 1.402, stored[..., 3]], -1)
    # Pillow inverts what it writes, and marks it as not transformed.
    jpeg = bytearray(encode(Image.fromarray(255 - components.round().clip(0, 255).astype(np.uint8), "CMYK"), "JPEG", quality=98))
    marker = jpeg.index(b"Adobe")
    assert jpeg[marker + 11] == 0
    jpeg[marker + 11] = 2
    return bytes(jpeg)


CMYK = np.dstack([RGB, (ALPHA // 2)[..., None]])
CMYK_IN_RGB = ((255.0 - CMYK[..., :3]) * (255.0 - CMYK[..., 3:]) / 255).round().astype(np.uint8)
ENTRY_ALPHA = (np.arange(256) * 97 % 256).astype(np.uint8)
FINE_GREY = fine(GREY)
JPEG_BEST = {"quality": 98, "subsampling": 0}

CASES = {
    "JPEG": (encode(RGB, "JPEG", **JPEG_BEST), RGB),
    "progressive JPEG": (encode(RGB, "JPEG", progressive=True, **JPEG_BEST), RGB),
    "grey JPEG": (encode(GREY, "JPEG", **JPEG_BEST), three(GREY)),
    "CMYK JPEG": (encode(Image.fromarray(CMYK, "CMYK"), "JPEG", **JPEG_BEST), CMYK_IN_RGB),
    "progressive CMYK JPEG": (encode(Image.fromarray(CMYK, "CMYK"), "JPEG", progressive=True, **JPEG_BEST), CMYK_IN_RGB),
    "YCCK JPEG": (ycck(CMYK), CMYK_IN_RGB),
    "several pictures in a JPEG": (encode(RGB, "MPO", save_all=True, append_images=[Image.fromarray(OTHER)], **JPEG_BEST), RGB),
    "PNG": (png(RGB, 2), RGB),
    "grey PNG": (png(GREY, 0), three(GREY)),
    "bilevel PNG": (encode(Image.fromarray(GREY > 99)), three(np.where(GREY > 99, 255, 0).astype(np.uint8))),
    "palette PNG": (png(INDICES, 3, chunk(b"PLTE", PALETTE.tobytes())), PALETTE[INDICES]),
    "palette PNG, one colour transparent": (
        encode(paletted(), transparency=9),
        over_white(PALETTE[INDICES], np.where(INDICES == 9, 0, 255)),
    ),
    "palette PNG, alpha for each colour": (
        png(INDICES, 3, chunk(b"PLTE", PALETTE.tobytes()) + chunk(b"tRNS", ENTRY_ALPHA.tobytes())),
        over_white(PALETTE[INDICES], ENTRY_ALPHA[INDICES]),
    ),
    "grey PNG, one value transparent": (png(GREY, 0, chunk(b"tRNS", struct.pack(">H", 200))), three(np.where(GREY == 200, 255, GREY))),
    "grey and alpha PNG": (png(np.dstack([GREY, ALPHA]), 4), over_white(three(GREY), ALPHA)),
    "RGBA PNG": (png(np.dstack([RGB, ALPHA]), 6), over_white(RGB, ALPHA)),
    "16 bit grey PNG": (png(FINE_GREY, 0), three(GREY)),
    "16 bit grey PNG, one value transparent": (
        png(fine(GREY // 64), 0, chunk(b"tRNS", struct.pack(">H", fine(GREY // 64)[30, 40]))),
        three(np.where(fine(GREY // 64) == fine(GREY // 64)[30, 40], 255, GREY // 64)),
    ),
    "16 bit RGB PNG": (png(fine(RGB), 2), RGB),
    "16 bit grey and alpha PNG": (png(fine(np.dstack([GREY, ALPHA])), 4), over_white(three(GREY), ALPHA)),
    "16 bit RGBA PNG": (png(fine(np.dstack([RGB, ALPHA])), 6), over_white(RGB, ALPHA)),
    "animated PNG": (encode(RGB, save_all=True, append_images=[Image.fromarray(OTHER)]), RGB),
    "GIF": (encode(paletted(), "GIF"), PALETTE[INDICES]),
    "animated GIF": (encode(paletted(), "GIF", save_all=True, append_images=[Image.fromarray(OTHER)]), PALETTE[INDICES]),
    "transparent GIF": (encode(paletted(), "GIF", transparency=9), over_white(PALETTE[INDICES], np.where(INDICES == 9, 0, 255))),
    "WebP": (encode(RGB, "WEBP", lossless=True), RGB),
    "lossy WebP": (encode(RGB, "WEBP", quality=98), RGB),
    "RGBA WebP": (encode(np.dstack([RGB, ALPHA]), "WEBP", lossless=True, exact=True), over_white(RGB, ALPHA)),
    "animated WebP": (encode(RGB, "WEBP", lossless=True, save_all=True, append_images=[Image.fromarray(OTHER)]), RGB),
    "BMP": (encode(RGB, "BMP"), RGB),
    "palette BMP": (encode(paletted(), "BMP"), PALETTE[INDICES]),
    "run length BMP": (run_length_bmp(INDICES, PALETTE), PALETTE[INDICES]),
    "TIFF": (encode(RGB, "TIFF"), RGB),
    "LZW TIFF": (encode(RGB, "TIFF", compression="tiff_lzw"), RGB),
    "Deflate TIFF": (encode(RGB, "TIFF", compression="tiff_adobe_deflate"), RGB),
    "JPEG TIFF": (encode(RGB, "TIFF", compression="jpeg", quality=98), RGB),
    "TIFF of several pages": (encode(RGB, "TIFF", save_all=True, append_images=[Image.fromarray(OTHER)]), RGB),
    "CMYK TIFF": (encode(Image.fromarray(CMYK, "CMYK"), "TIFF"), CMYK_IN_RGB),
    "LZW CMYK TIFF": (encode(Image.fromarray(CMYK, "CMYK"), "TIFF", compression="tiff_lzw"), CMYK_IN_RGB),
    "RGBA TIFF": (encode(np.dstack([RGB, ALPHA]), "TIFF"), over_white(RGB, ALPHA)),
    "16 bit grey TIFF": (encode(FINE_GREY, "TIFF"), three(GREY)),
    "16 bit grey TIFF, high byte first": (
        encode(Image.frombytes("I;16B", (WIDTH, HEIGHT), FINE_GREY.astype(">u2").tobytes()), "TIFF"),
        three(GREY),
    ),
    "PPM": (encode(RGB, "PPM"), RGB),
    "JPEG 2000": (encode(RGB, "JPEG2000"), RGB),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("side", [25, 90])
def test_the_colours_are_those_that_were_stored(name, side):
    content, pixels = CASES[name]
    jpeg, box = prepare_photograph(content, side)
    assert box == (0, 10, 60, 70)
    expected = decode(prepare_photograph(png(pixels, 2), side)[0])
    assert np.abs(decode(jpeg) - expected).mean() < (2 if "JPEG" in name or "lossy" in name else 0.5)


def test_large_pictures_become_rgb_a_band_at_a_time():
    random = np.random.default_rng(5)
    for height, width in [(1100, 301), (301, 1100), (700, 700)]:  # more rows than a band has
        small = random.integers(0, 256, (height // 50, width // 50, 4)).astype(np.uint8)
        pixels = np.asarray(Image.fromarray(small).resize((width, height)))
        expected, expected_box = prepare_photograph(png(over_white(pixels[..., :3], pixels[..., 3]), 2), 70)
        jpeg, box = prepare_photograph(png(pixels, 6), 70)
        assert box == expected_box
        np.testing.assert_allclose(decode(jpeg), decode(expected), atol=6)
        assert np.abs(decode(jpeg) - decode(expected)).mean() < 0.3


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_a_colour_profile_is_not_applied(kind, options):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"?", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"?", b"bXYZ", 1)  # red is blue and blue is red
    image = Image.fromarray(RGB)
    seen = ImageCms.profileToProfile(image, io.BytesIO(swapped), io.BytesIO(profile))
    assert np.abs(np.asarray(seen).astype(int) - RGB).mean() > 20
    plain = prepare_photograph(encode(image, kind, **options), 40)
    assert prepare_photograph(encode(image, kind, icc_profile=swapped, **options), 40) == plain


def test_pixels_without_a_brightness_range_are_refused():
    for pixels in (np.ones((20, 30), np.float32), np.ones((20, 30), np.int32)):
        with pytest.raises(UnreadablePhotograph, match=r"mode [FI], whose brightness range"):
            prepare_photograph(encode(pixels, "TIFF"), 10)
