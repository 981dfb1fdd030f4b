"""Images with boxes around their parts, as a model sees them; read from JSON or the command line, or five views of one face."""

import io
import json
import math
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.inputs.centre_crop import CentreCrop, read_centre_crop, to_centre_crop

if TYPE_CHECKING:  # Wrong boxes are reported before TensorFlow is loaded.
    from zfnet.components.inputs.image_input import ImageInput

# Left, top, width and height, in pixels of a photograph, turned upright if its EXIF orientation says so.
Box = tuple[float, float, float, float]
Parts = dict[str, Box]
EXPECTED = "expected [left, top, width, height], in pixels, width and height above 0"
# Pixels of the model's image that a box may extend over its edge, because of rounding.
SLACK = 0.5
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


def read_part_boxes(path: pathlib.Path, images: Sequence[str] = ()) -> tuple[list[str], list[Parts]]:
    """Reads boxes of the form `{image: {part: [left, top, width, height]}}`: paths of the images, and the boxes of each.

    The images in the JSON file are paths from its directory. `images` has the paths of those to read; if empty, all in the file are read.

    Raises:
        ValueError: the file can't be read, is not of that form, or has no boxes of an image.
    """
    try:
        content = json.loads(path.read_text(), object_pairs_hook=_without_repetition)
    except OSError as error:
        raise ValueError(f"The boxes {path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise ValueError(f"The boxes {path} are no JSON that can be read: {error}.") from error
    if not isinstance(content, dict) or not content or not all(isinstance(parts, dict) for parts in content.values()):
        raise ValueError(f"The boxes {path} are not of the form {{image: {{part: [left, top, width, height]}}}}.")
    found = {
        str(path.parent / image): {part: _box(box, f"{path}: {part!r} of {image!r}") for part, box in parts.items()}
        for image, parts in content.items()
    }
    if not images:
        return list(found), list(found.values())
    places = {pathlib.Path(name).resolve(): name for name in found}
    missing = [image for image in images if pathlib.Path(image).resolve() not in places]
    if missing:
        raise ValueError(
            f"{path} has no boxes of {missing[0]}. It has those of {', '.join(content)}, whose paths begin at its own directory."
        )
    return list(images), [found[places[pathlib.Path(image).resolve()]] for image in images]


def given_part_boxes(options: Sequence[str], images: Sequence[str]) -> list[Parts]:
    """Reads boxes of the form `PART=left,top,width,height`, each part once for each image, in their order.

    Raises:
        ValueError: a box is not of that form, or a part was not given as often as there are images.
    """
    given: dict[str, list[Box]] = {}
    for option in options:
        part, _, numbers = option.rpartition("=")
        try:
            values = [float(number) for number in numbers.split(",")]
        except ValueError:
            values = []
        given.setdefault(part, []).append(_box(values if part else None, f"The box {option!r}", "expected PART=left,top,width,height"))
    for part, boxes in given.items():
        if len(boxes) != len(images):
            raise ValueError(
                f"{part!r} was given {len(boxes)} times for {len(images)} images; expected a box for each image, in their order."
            )
    return [{part: boxes[number] for part, boxes in given.items()} for number in range(len(images))]


def check_parts(names: Sequence[str], parts: Sequence[Parts], within: str | None) -> list[str]:
    """Names the parts to measure, in the order of the first image: all except `within`, the part in which random boxes lie.

    Raises:
        ValueError: there are fewer than two images, no parts, or an image has other parts than the first.
    """
    if len(names) < 2:
        raise ValueError(f"There is {len(names)} image; expected at least two, since pairs of images are compared.")
    for name, each in zip(names, parts, strict=True):
        for one, other, image in ((parts[0], each, name), (each, parts[0], names[0])):
            if missing := [part for part in one if part not in other]:
                raise ValueError(f"There is no box of {missing[0]!r} in {image}; expected the same parts in all images.")
    if within is not None and within not in parts[0]:
        raise ValueError(f"There are no boxes of {within!r}, in which random ones shall lie. There are those of {', '.join(parts[0])}.")
    measured = [part for part in parts[0] if part != within]
    if not measured:
        raise ValueError("There are no boxes around parts of the images; expected those of at least one part.")
    return measured


def _box(value: Any, what: str, expected: str = EXPECTED) -> Box:
    is_box = isinstance(value, list) and len(value) == 4 and all(type(number) in (int, float) for number in value)
    if not is_box or not all(map(math.isfinite, value)) or min(value[2:]) <= 0:
        raise ValueError(f"{what} is {json.dumps(value)}; {expected}." if expected == EXPECTED else f"{what} is none; {expected}.")
    return tuple(value)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{repeated[0]!r} is there twice")
    return dict(pairs)


def input_box(box: Box, square: CentreCrop, height: int, width: int, what: str, clip: bool = False) -> tuple[int, int, int, int]:
    """Converts a box from pixels of the photograph to whole pixels of the model's image: edges to the nearest, at least one pixel.

    The `square` was cut from the photograph; `height` and `width` are those of the model's image, in pixels; `what` is the name of the box
    in messages. If `clip`, a box is clipped to the image, as long as some of it is seen.

    Raises:
        ValueError: the model does not see all of the box.
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


class PartViews(NamedTuple):
    """Images with boxes around their parts.

    Attributes:
        names: of the images.
        pictures: uint8 `(N, height, width, 3)`, the images of the model's size.
        boxes: for each part `(N, 4)` ints: left, top, width, height, in pixels of the pictures.
        within: `(N, 4)`, the region of random boxes.
        note: description for headings.
    """

    names: Sequence[str]
    pictures: np.ndarray
    boxes: dict[str, np.ndarray]
    within: np.ndarray
    note: str


def views_of_files(paths: Sequence[str], parts: Sequence[Parts], within: str | None, image_input: "ImageInput") -> PartViews:
    """Reads photographs, and converts the boxes around their parts from pixels of the photograph to those of the model's images.

    Random boxes lie in the part `within`; None for the whole image.

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


def demonstration(image_input: "ImageInput") -> PartViews:
    """Five views of one face."""
    return _views(*face_views(image_input.side), FACE, image_input, DEMONSTRATION)


def _views(
    names: Sequence[str], squares: Sequence[CentreCrop], parts: Sequence[Parts], within: str | None, image_input: "ImageInput", note: str
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
    """Cuts five views of one face out of a photograph: their names, the squares, and boxes around the parts in pixels of the view.

    One face five times is not five faces: the views demonstrate the measure, they do not reproduce Table 1 of the paper. `FACE` is the box
    around the whole face. In a mirrored view, right and left eye are swapped, as in any face. `side` is the larger side of the model's
    images, in pixels.
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
