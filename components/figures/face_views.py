"""Five views of one face, with boxes around its parts: what correspondence is shown on when nobody names images."""

import io

from PIL import Image, ImageOps

from zfnet.components.data.photographs import PHOTOGRAPHS
from zfnet.components.pictures.part_boxes import Parts
from zfnet.components.pictures.read_square import Square, to_square

PHOTOGRAPH = "astronaut"
FACE = "face"
# Left, top, width, height in the photograph; right and left as the person's own.
PARTS = {
    "right eye": (190, 92, 26, 18),
    "left eye": (234, 94, 26, 18),
    "nose": (214, 106, 24, 24),
    FACE: (178, 72, 94, 108),
}
# Left, top and side of each view, and whether it is mirrored.
VIEWS = ((145, 46, 160, False), (132, 38, 155, False), (124, 24, 200, False), (148, 48, 150, True), (136, 30, 185, True))


def face_views(side: int) -> tuple[list[str], list[Square], list[Parts]]:
    """Cuts the views out of the photograph of the astronaut: shifted, of other sizes, mirrored.

    One face seen five times is no five faces: what this shows is how the measure works, not Table 1 of the paper. A mirrored face has its
    right eye where that of any face is.

    Args:
        side: larger side of the model's images, in pixels.

    Returns:
        Names of the views, the views as squares, and boxes around the parts of each in pixels of the view; `FACE` is around all of it.
    """
    photograph = next(each for each in PHOTOGRAPHS if each.name == PHOTOGRAPH)
    with Image.open(io.BytesIO(photograph.read())) as file:
        pixels = file.convert("RGB")
    names, squares, boxes = [], [], []
    for number, (left, top, size, mirrored) in enumerate(VIEWS, 1):
        view = pixels.crop((left, top, left + size, top + size))
        parts: Parts = {part: (x - left, y - top, width, height) for part, (x, y, width, height) in PARTS.items()}
        if mirrored:
            view = ImageOps.mirror(view)
            swapped = {"right eye": "left eye", "left eye": "right eye"}
            turned = {part: (size - x - width, y, width, height) for part, (x, y, width, height) in parts.items()}
            parts = {part: turned[swapped.get(part, part)] for part in parts}
        encoded = io.BytesIO()
        view.save(encoded, "PNG")
        names.append(f"view {number}{', mirrored' if mirrored else ''}")
        squares.append(to_square(encoded.getvalue(), side))
        boxes.append(parts)
    return names, squares, boxes
