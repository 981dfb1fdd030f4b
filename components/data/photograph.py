"""Turns the bytes of any photograph into the square JPEG that is stored: the same pixels for the same bytes, whoever runs it."""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

JPEG_QUALITY = 95
# Full colour resolution. Cameras have halved it once already; halving it again after shrinking would blur the colours that the first
# layer learns, to save a fifth of the bytes.
JPEG_SUBSAMPLING = "4:4:4"
# What photographs come in. Naming them keeps out the formats that start another program to be read.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000")


# Pillow warns of odd tags in files that it then reads well; what it cannot read comes back as a reason.
warnings.filterwarnings("ignore", module=r"PIL\.")


class UnreadablePhotograph(ValueError):  # noqa: N818  says what the bytes are
    """The bytes are no photograph that can be read; the message says why."""


def prepare_photograph(encoded: bytes, side: int) -> tuple[bytes, tuple[int, int, int, int]]:
    """Decodes a photograph and cuts its central square, scaled to `side`.

    The rule, for a photograph of width w and height h after its EXIF orientation was applied, both in pixels, with s = min(w, h): the
    square of side s whose corner is at ((w - s) / 2, (h - s) / 2), not rounded, is resampled once to `side` x `side` by the bicubic
    filter (Keys, a = -0.5) that is widened when shrinking; where the filter reaches over the square's edge it sees the rest of the
    photograph. This is the shortest side scaled to `side`, then the centre crop, without rounding in between.

    A large JPEG is first decoded at a half, a quarter or an eighth, never to less than twice `side`; the square is divided alike.
    Greyscale and palettes become RGB, of 16 bits the upper 8 are kept, transparent pixels are laid over white, of an animation the
    first frame is taken; an embedded colour profile is not applied, not to CMYK either.

    Args:
        encoded: the file's bytes; the format is told by them.
        side: side of the result, in pixels.

    Returns:
        The square as JPEG, RGB, and its place `(top, left, bottom, right)` in whole pixels of the photograph as it is meant to be seen.

    Raises:
        UnreadablePhotograph: nothing can be decoded from the bytes, or only more pixels than `Image.MAX_IMAGE_PIXELS`.

    Example:
        jpeg, (top, left, bottom, right) = prepare_photograph(pathlib.Path("cat.jpg").read_bytes(), 256)
    """
    if not encoded:
        raise UnreadablePhotograph("the file is empty")
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            return _prepare(image, side)
    except UnreadablePhotograph:
        raise
    except Image.UnidentifiedImageError as error:
        raise UnreadablePhotograph(f"none of {', '.join(FORMATS)}") from error
    except Exception as error:  # Pillow's decoders raise whatever their parsers stumble over: OSError, SyntaxError, struct.error, ...
        raise UnreadablePhotograph(f"{type(error).__name__}: {error}") from error


def _prepare(image: Image.Image, side: int) -> tuple[bytes, tuple[int, int, int, int]]:
    width, height = image.size
    if width * height > Image.MAX_IMAGE_PIXELS:
        raise UnreadablePhotograph(f"{width}x{height} pixels, more than the {Image.MAX_IMAGE_PIXELS} that are decoded")
    draft = image.draft(None, (2 * side, 2 * side))
    reduction = width / draft[1][2] if draft else 1
    turned = reduction > 1 and image.getexif().get(0x0112, 1) >= 5
    ImageOps.exif_transpose(image, in_place=True)
    if reduction == 1:
        width, height = image.size
    elif turned:
        width, height = height, width
    shortest = min(width, height)
    left, top = (width - shortest) / 2, (height - shortest) / 2
    square = [edge / reduction for edge in (left, top, left + shortest, top + shortest)]
    crop = _to_rgb(image).resize((side, side), Image.Resampling.BICUBIC, box=square)
    crop.info = {}  # else comments and the like of the original are written along
    stored = io.BytesIO()
    crop.save(stored, "JPEG", quality=JPEG_QUALITY, subsampling=JPEG_SUBSAMPLING)
    top, left = int(top), int(left)
    return stored.getvalue(), (top, left, top + shortest, left + shortest)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise UnreadablePhotograph(f"pixels of mode {image.mode}, whose brightness range the file does not say")
    return image if image.mode == "RGB" else image.convert("RGB")
