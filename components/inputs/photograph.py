"""Turns the bytes of any photograph into the square JPEG that is stored: the same pixels for the same bytes, whoever runs it."""

import io
import math
import re
import warnings

import numpy as np
from PIL import Image, ImageFile

JPEG_QUALITY = 95
# Full colour resolution. Cameras have halved it once already; halving it again after shrinking would blur the colours that the first
# layer learns, to save a fifth of the bytes.
JPEG_SUBSAMPLING = "4:4:4"
# Naming the formats excludes those for which Pillow starts another program.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000")

# Limits on the cost of an untrusted file. A reader can check a file's size before it reads it.
MAX_ENCODED_BYTES = 256 << 20
MAX_PIXELS = 89_478_485  # Pillow's own limit, even if the process changed that
MAX_SIDE = 65_535  # the longest of a JPEG; every row costs memory, however short it is
MAX_SCANNED_PIXELS = 100 * MAX_PIXELS  # a JPEG's decoder passes over all its pixels in every scan, and a scan can be a few bytes
TOO_LARGE = f"more than {MAX_PIXELS} pixels, or more than {MAX_SIDE} along a side"
MAX_REASON_LENGTH = 200

# The operation that turns a file's pixels upright, by EXIF orientation.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNED = (5, 6, 7, 8)  # those that swap width and height
PALETTE_BITS = {"1": 1, "L": 8}  # bits a pixel for which Pillow reads a BMP rightly whose palette it drops
BAND_ROWS = 256  # converted to RGB at a time

# Pillow warns of odd tags in files that it then reads well; for those that it cannot read, the error gives the reason.
warnings.filterwarnings("ignore", module=r"PIL\.")


class UnreadablePhotograph(ValueError):  # noqa: N818  names the data
    """The bytes are no photograph that can be read; the message gives the reason in one short line, always the same for equal bytes."""


def check_encoded_size(encoded_bytes: int) -> None:
    """Checks a file's size in bytes before it is read.

    Raises:
        UnreadablePhotograph: the file is empty, or larger than `MAX_ENCODED_BYTES`.
    """
    if not encoded_bytes:
        raise UnreadablePhotograph("the file is empty")
    if encoded_bytes > MAX_ENCODED_BYTES:
        raise UnreadablePhotograph(f"more than {MAX_ENCODED_BYTES} bytes")


def prepare_photograph(encoded: bytes, side: int) -> tuple[bytes, tuple[int, int, int, int]]:
    """Decodes a photograph and cuts its central square, scaled to `side`.

    The rule, for a photograph of width w and height h after its EXIF orientation was applied, both in pixels, with s = min(w, h): the
    square of side s whose corner is at ((w - s) / 2, (h - s) / 2), not rounded, is resampled once to `side` x `side` by the bicubic
    filter (Keys, a = -0.5) that is widened when shrinking; where the filter reaches over the square's edge it sees the rest of the
    photograph. This is the shortest side scaled to `side`, then the centre crop, without rounding in between.

    A large JPEG is first decoded at a half, a quarter or an eighth, never to less than twice `side`; the square is divided alike.
    Greyscale and palettes become RGB, 16-bit values keep their upper 8 bits, transparent pixels are laid over white, and the first page
    of an animation or document is taken. CMYK in a JPEG is inverted, as Adobe writes it and browsers read it. Embedded colour profiles
    are not applied, not to CMYK either. An orientation that cannot be read counts as none. A file that ends before its pixels do is
    refused; damage that the format's decoder conceals is not found.

    Memory is bounded by `MAX_PIXELS`: decoded once, four bytes a pixel, plus the needs of the format's decoder (four times as much for
    WebP and JPEG 2000, which need most).

    Args:
        encoded: the file's bytes, which also identify its format.
        side: side of the result, in pixels.

    Returns:
        The square as JPEG, RGB, and its place `(top, left, bottom, right)` in whole pixels of the upright photograph.

    Raises:
        UnreadablePhotograph: the bytes cannot be decoded, or the image is larger than the limits above.
        RuntimeError: the process has set Pillow to fill up truncated files with grey.

    Examples:
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (300, 200)).save(file, "PNG")
        >>> jpeg, box = prepare_photograph(file.getvalue(), 256)
        >>> box
        (0, 50, 200, 250)
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise RuntimeError("PIL.ImageFile.LOAD_TRUNCATED_IMAGES is set: half photographs would pass for whole ones; set it to False")
    check_encoded_size(len(encoded))
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            if image.format == "BMP" and _is_misread(image, encoded):
                raise UnreadablePhotograph(
                    f"a BMP whose palette is black and white, or grey levels, but not of {PALETTE_BITS[image.mode]} bits"
                )
            jpeg = image.format in ("JPEG", "MPO")  # MPO is Pillow's name for a JPEG that holds several images
            if jpeg and _has_endless_scans(encoded, image.width * image.height):
                raise UnreadablePhotograph("too many scans for a JPEG of its size")
            return _prepare(image, side)
    except UnreadablePhotograph:
        raise
    except Image.UnidentifiedImageError as error:
        raise UnreadablePhotograph(f"none of {', '.join(FORMATS)}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePhotograph(TOO_LARGE) from error
    except Exception as error:  # Pillow's decoders raise many kinds: OSError, SyntaxError, struct.error
        raise UnreadablePhotograph(_reason(error)) from error


def _is_misread(image: Image.Image, bmp: bytes) -> bool:
    bits = bmp[24] if bmp[14] == 12 else bmp[28]  # the header of OS/2, 12 bytes, has another layout
    return PALETTE_BITS.get(image.mode, bits) != bits


def _has_endless_scans(jpeg: bytes, pixels: int) -> bool:
    if pixels * len(jpeg) // 10 <= MAX_SCANNED_PIXELS:  # a scan's header alone has ten bytes; ordinary photographs end here
        return False
    # With length and number of components, since data that cameras append, such as films, holds the marker alone by chance.
    scans = re.findall(rb"\xff\xda\0(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)", jpeg)
    return pixels * len(scans) > MAX_SCANNED_PIXELS


def _reason(error: Exception) -> str:
    text = re.sub(r" at 0x[0-9A-Fa-f]+", "", f"{type(error).__name__}: {error}".removesuffix(": "))
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))[:MAX_REASON_LENGTH]


def _prepare(image: Image.Image, side: int) -> tuple[bytes, tuple[int, int, int, int]]:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UnreadablePhotograph(TOO_LARGE)
    draft = image.draft(None, (2 * side, 2 * side))
    reduction = width / draft[1][2] if draft else 1
    image.load()
    if reduction == 1:
        width, height = image.size  # Pillow has turned a TIFF already
    shortest = min(width, height)
    left, top = (width - shortest) / 2, (height - shortest) / 2
    crop = _resample(image, side, *(edge / reduction for edge in (left, top, left + shortest, top + shortest)))
    orientation = _orientation(image)
    if orientation in UPRIGHT:  # a central square stays one when turned, so the crop can be turned instead of the whole
        crop = crop.transpose(UPRIGHT[orientation])
    if orientation in TURNED:
        left, top = top, left
    crop.info = {}  # else the original's comments and other metadata are written too
    stored = io.BytesIO()
    crop.save(stored, "JPEG", quality=JPEG_QUALITY, subsampling=JPEG_SUBSAMPLING)
    top, left = int(top), int(left)
    return stored.getvalue(), (top, left, top + shortest, left + shortest)


def _orientation(image: Image.Image) -> int | None:
    try:
        return image.getexif().get(0x0112)
    except Exception:  # a broken description is no reason to refuse the photograph
        return None


def _resample(image: Image.Image, side: int, left: float, top: float, right: float, bottom: float) -> Image.Image:
    if image.mode in ("L", "RGB") and not image.has_transparency_data:
        return image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, right, bottom)).convert("RGB")
    # Columns first, then rows, as in `resize`; but a band of rows at a time, and no further than the filter reaches, since converting
    # all of a large photograph to RGB takes several times its memory.
    reach = math.ceil(2 * max(1, (right - left) / side)) + 1
    first_column, first_row = max(0, math.floor(left) - reach), max(0, math.floor(top) - reach)
    last_column, last_row = min(image.width, math.ceil(right) + reach), min(image.height, math.ceil(bottom) + reach)
    columns = Image.new("RGB", (side, last_row - first_row))
    for row in range(first_row, last_row, BAND_ROWS):
        band = _to_plain(image.crop((first_column, row, last_column, min(row + BAND_ROWS, last_row))))
        box = (left - first_column, 0, right - first_column, band.height)
        columns.paste(band.resize((side, band.height), Image.Resampling.BICUBIC, box=box), (0, row - first_row))
    return columns.resize((side, side), Image.Resampling.BICUBIC, box=(0, top - first_row, side, bottom - first_row))


def _to_plain(image: Image.Image) -> Image.Image:
    """RGB or, of 16 bits, greyscale."""
    if image.mode.startswith("I;16"):
        pixels = np.asarray(image)
        upper = (pixels >> 8).astype(np.uint8)
        if image.has_transparency_data:
            upper[pixels == image.info["transparency"]] = 255
        return Image.fromarray(upper)
    if image.mode in ("I", "F"):
        raise UnreadablePhotograph(f"pixels of mode {image.mode}, whose brightness range the file does not say")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
