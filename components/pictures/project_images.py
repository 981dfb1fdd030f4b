"""Single images beside the projections of their strongest activations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.projected_activation import ProjectedActivation, project_activations
from zfnet.components.pictures.projection_checks import bars_note, check_bars
from zfnet.components.pictures.sheet import block, resize_tile, sheet, with_note
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest, strongest_activations
from zfnet.model.measures.shuffled_weights import LayerCheck, check_layers
from zfnet.model.progress import progress

TILE = 224
FRAME = (255, 0, 0)
BATCH = 16  # Images that are searched and projected together.


def project_images(
    deconvnet: Deconvnet, images: np.ndarray, layer: str, unit: int | None = None, fill: np.ndarray | None = None
) -> list[ProjectedActivation]:
    """Projects the strongest activation of each image in a layer; with `fill` as in `project_activations`.

    The images are `(N, height, width, 3)`, RGB 0..255 as the model takes it, of the size that it takes. Any number of them is projected
    in batches, so that the pictures alone take more memory for more images. If `unit` is None, the unit is taken, for each image, whose
    activation is strongest in it.

    Raises:
        ValueError: there is no such layer or unit, or activations or projections are not numbers.
    """
    starts = range(0, len(images), BATCH)
    found: list[ProjectedActivation] = []
    for start in progress(starts, len(starts), "Projecting"):
        part = _project_batch(deconvnet, images[start : start + BATCH], layer, unit, fill)
        found.extend(each._replace(example=start + each.example) for each in part)
    return found


def _project_batch(
    deconvnet: Deconvnet, images: np.ndarray, layer: str, unit: int | None, fill: np.ndarray | None
) -> list[ProjectedActivation]:
    height, width = images.shape[1:3]
    image_input = ImageInput(height, width, deconvnet.graph.channels_first)
    batches = [image_input.to_model_layout(images.astype(np.float32))]
    found, chosen = strongest_of_each(deconvnet, batches, layer, len(images), unit)
    projected = project_activations(deconvnet, batches, {layer: found}, {layer: chosen}, image_input, fill)
    return sorted(projected, key=lambda each: each.example)


def images_layer_check(deconvnet: Deconvnet, images: np.ndarray, found: Sequence[ProjectedActivation]) -> LayerCheck:
    """Compares projections of `project_images` with those of shuffled weights, see `check_layers`; `images` are the same."""
    image_input = ImageInput(images.shape[1], images.shape[2], deconvnet.graph.channels_first)
    positions = [each.position for each in found] if found[0].position else None
    units = [each.unit for each in found]
    return check_layers(deconvnet, image_input.to_model_layout(images.astype(np.float32)), found[0].layer, units, positions)


def strongest_of_each(
    deconvnet: Deconvnet, batches: list[Any], layer: str, count: int, unit: int | None = None
) -> tuple[Strongest, tuple[np.ndarray, np.ndarray]]:
    """Finds the strongest activation of each of `count` images: all activations, and for each image a unit and its rank among them.

    Arguments and errors are those of `project_images`.
    """
    found = strongest_activations(deconvnet, batches, [layer], k=count)[layer]
    if unit is not None and not 0 <= unit < len(found.values):
        raise ValueError(f"There is no unit {unit} in layer {layer!r}; it has units 0 to {len(found.values) - 1}.")
    # Each unit's strongest activations are ordered by strength; here the order of the images is needed.
    ranks = np.argsort(found.examples, axis=1)
    activations = np.take_along_axis(found.values, ranks, axis=1)
    # A maximum over nothing but NaN is the lowest number, or none.
    if np.any(activations <= np.finfo(np.float32).min):
        raise ValueError(
            f"Layer {layer!r} has activations that are not numbers (NaN): are the model's weights, or the preprocessing, right?"
        )
    units = activations.argmax(axis=0) if unit is None else np.full(count, unit)
    return found, (units, ranks[units, np.arange(count)])


def projection_grid(images: np.ndarray, projected: Sequence[ProjectedActivation], headings: Sequence[str]) -> np.ndarray:
    """Draws each of the images, uint8 `(N, height, width, 3)`, beside its projection, with a heading: uint8 `(height, width, 3)`.

    If the unit sees a part of the image, that window is framed in the image, and patch and projection are drawn beside it, enlarged. Bars
    under a projection show its check, and a note explains them.
    """
    size = images.shape[1:3]
    blocks = []
    for image, found in zip(images, projected, strict=True):
        sees_all = found.patch.shape[:2] == size and found.corner == (0, 0)
        tiles = [image, found.projection] if sees_all else [framed(image, found), found.patch, found.projection]
        bars = check_bars(found.check, TILE, written=True) if found.check else None
        below = [] if bars is None else [*[np.full_like(bars, 255)] * (len(tiles) - 1), bars]
        blocks.append(block(tiles, len(tiles), TILE, below))
    drawn = sheet(blocks, headings, int(np.ceil(np.sqrt(len(blocks) / 3))))
    return with_note(drawn, bars_note()) if any(found.check for found in projected) else drawn


def framed(image: np.ndarray, found: ProjectedActivation) -> np.ndarray:
    """An image, uint8 `(height, width, 3)`, as a tile with the window of a projection framed in it."""
    picture = Image.fromarray(resize_tile(image, TILE))
    scale = TILE / max(image.shape[:2])
    margins = [(TILE - round(length * scale)) // 2 for length in image.shape[:2]]
    starts = [margin + corner * scale for margin, corner in zip(margins, found.corner, strict=True)]
    # A window may be less than a pixel of the tile.
    ends = [start + max(0, length * scale - 1) for start, length in zip(starts, found.patch.shape[:2], strict=True)]
    ImageDraw.Draw(picture).rectangle([starts[1], starts[0], ends[1], ends[0]], outline=FRAME, width=2)
    return np.asarray(picture)
