"""Boxes around the parts of images, read from JSON or the command line, in the model's pixels."""

from __future__ import annotations

import json
import math
import pathlib
from collections.abc import Sequence
from typing import Any

from zfnet.components.inputs.centre_crop import CentreCrop

# Left, top, width and height, in pixels of a photograph as it is meant to be seen.
Box = tuple[float, float, float, float]
Parts = dict[str, Box]
EXPECTED = "expected [left, top, width, height], in pixels, width and height above 0"
# How far, in pixels of the model's image, a box may reach over its edge: what rounding may bring.
SLACK = 0.5


def read_part_boxes(path: pathlib.Path, images: Sequence[str] = ()) -> tuple[list[str], list[Parts]]:
    """Reads boxes of the form `{image: {part: [left, top, width, height]}}`.

    Args:
        path: a JSON file; images in it are paths from its directory.
        images: paths of the images that are wanted; if there are none, all in the file.

    Returns:
        Paths of the images, and the boxes of each.

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
    """Reads boxes of the form `PART=left,top,width,height`, each part given once for each image, in their order.

    Args:
        options: the boxes.
        images: names of the images.

    Returns:
        The boxes of each image.

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
    """Names of the parts that are measured, which all images must have.

    Args:
        names: of the images.
        parts: of each image.
        within: the part that only bounds where random boxes lie; None if there is none.

    Returns:
        Their names, in the order of the first image.

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
