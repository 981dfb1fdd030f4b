"""Boxes in pixels of a photograph, brought to what a model sees of it."""

from zfnet.components.pictures.part_boxes import Box
from zfnet.components.pictures.read_square import Square

# How far, in pixels of the model's image, a box may reach over its edge: what rounding may bring.
SLACK = 0.5


def input_box(box: Box, square: Square, height: int, width: int, what: str, clip: bool = False) -> tuple[int, int, int, int]:
    """Brings a box to the model's image, by the rules by which the photograph was cut and scaled.

    Args:
        box: left, top, width, height, in pixels of the photograph, turned upright if its EXIF orientation says so.
        square: what was cut from the photograph.
        height: of the model's image, in pixels.
        width: of it.
        what: what to call the box in messages.
        clip: whether what is not seen of a box is cut off, as long as something of it is seen.

    Returns:
        Left, top, width, height in whole pixels of the model's image: edges to the nearest, at least one pixel.

    Raises:
        ValueError: it does not lie, all of it, in what the model sees.
    """
    scale = len(square.pixels) / square.size
    corner = square.corner(height, width)
    starts, lengths = [], []
    for start, length, origin, cut, limit in zip(box[:2], box[2:], (square.left, square.top), corner[::-1], (width, height), strict=True):
        first, last = ((place - origin) * scale - cut for place in (start, start + length))
        if (last <= 0 or first >= limit) if clip else (first < -SLACK or last > limit + SLACK):
            left, top = (edge + part / scale for edge, part in zip((square.left, square.top), corner[::-1], strict=True))
            raise ValueError(
                f"{what} is {', '.join(f'{number:g}' for number in box)} (left, top, width, height) and not all seen: of this photograph "
                f"the model sees columns {left:.0f} to {left + width / scale:.0f} and rows {top:.0f} to {top + height / scale:.0f}. "
                "Crop the photograph so that the part is nearer to its centre."
            )
        begin = min(max(round(first), 0), limit - 1)
        starts.append(begin)
        lengths.append(max(1, min(round(last), limit) - begin))
    return starts[0], starts[1], lengths[0], lengths[1]
