"""Images with boxes around their parts, as a model sees them; faces by default."""

import io
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.figures.correspondence.part_boxes import Parts, check_parts, input_box
from zfnet.components.inputs.centre_crop import CentreCrop, read_centre_crop, to_centre_crop
from zfnet.components.inputs.image_input import ImageInput

DEMONSTRATION = "five views of one face: a demonstration, not Table 1 of the paper, which has five dogs"
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


class PartViews(NamedTuple):
    """Images with boxes around their parts.

    Attributes:
        names: what to call each image.
        pictures: uint8 `(N, height, width, 3)`, what the model sees.
        boxes: for each part `(N, 4)` ints: left, top, width, height, in pixels of the pictures.
        within: `(N, 4)`, where random boxes may lie.
        note: for headings, what these images are.
    """

    names: Sequence[str]
    pictures: np.ndarray
    boxes: dict[str, np.ndarray]
    within: np.ndarray
    note: str


def views_of_files(paths: Sequence[str], parts: Sequence[Parts], within: str | None, image_input: ImageInput) -> PartViews:
    """Reads photographs and brings the boxes around their parts to what the model sees.

    Args:
        paths: of the files.
        parts: boxes of each, in pixels of the photograph.
        within: the part that bounds where random boxes may lie; None for the whole image.
        image_input: of the model.

    Returns:
        Them.

    Raises:
        ValueError: there are fewer than two files, or one twice; one can't be read; the parts are not the same in all; or a part is not
            all seen. The part `within` may be seen in part.
    """
    check_parts(paths, parts, within)
    resolved = [pathlib.Path(path).resolve() for path in paths]
    if twice := [path for path, place in zip(paths, resolved, strict=True) if resolved.count(place) > 1]:
        raise ValueError(f"The image {twice[0]} is there twice; expected different images, since pairs of them are compared.")
    squares = [read_centre_crop(path, image_input.side) for path in paths]
    return _views([path.name for path in resolved], squares, parts, within, image_input, f"{len(paths)} images")


def demonstration(image_input: ImageInput) -> PartViews:
    """Five views of one face."""
    return _views(*face_views(image_input.side), FACE, image_input, DEMONSTRATION)


def _views(
    names: Sequence[str], squares: Sequence[CentreCrop], parts: Sequence[Parts], within: str | None, image_input: ImageInput, note: str
) -> PartViews:
    height, width = image_input.height, image_input.width
    boxes = {
        part: np.array(
            [
                input_box(each[part], square, height, width, f"The box of {part!r} in {name}", clip=part == within)
                for name, square, each in zip(names, squares, parts, strict=True)
            ]
        )
        for part in parts[0]
    }
    bounds = boxes[within] if within else np.tile([0, 0, width, height], (len(names), 1))
    measured = {part: boxes[part] for part in check_parts(names, parts, within)}
    return PartViews(names, np.stack([square.central(height, width) for square in squares]), measured, bounds, note)


def face_views(side: int) -> tuple[list[str], list[CentreCrop], list[Parts]]:
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
        squares.append(to_centre_crop(encoded.getvalue(), side))
        boxes.append(parts)
    return names, squares, boxes
