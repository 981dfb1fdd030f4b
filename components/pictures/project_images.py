"""Strong activations projected to pixels, as pictures and numbers; single images beside their projections."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.projection_checks import bars_note, check_bars, part_checks
from zfnet.components.pictures.sheet import block, resize_tile, sheet, with_note
from zfnet.model.ahead import map_ahead
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import image_batches
from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest, missing_images, project_strongest
from zfnet.model.deconvnet.strongest import Strongest, strongest_activations
from zfnet.model.measures.shuffled_weights import LayerCheck, check_layers
from zfnet.model.progress import progress

TILE = 224
FRAME = (255, 0, 0)
# Share of the values of a projection that may lie beyond its scale, so that single pixels do not make the rest grey.
OUTLIERS = 0.002
BATCH = 16  # Images that are searched and projected together.


class ProjectedActivation(NamedTuple):
    """One strong activation of a unit, projected.

    Attributes:
        layer, unit: feature map or dense unit of a layer.
        rank: place among the strongest activations of the unit, from 0.
        example, activation: number of the image, and value of the activation.
        position: row and column in the map; empty for a dense unit.
        corner: row and column of the window's corner in the image.
        scale: the absolute value that is black or white in the projection.
        projection: uint8 `(h, w, 3)`, of a window of the size that the unit sees, at most the whole image; 0 is grey.
        patch: uint8 `(h, w, 3)`, the same window of the image.
        check: numbers of `part_checks`; None if it was not checked.
    """

    layer: str
    unit: int
    rank: int
    example: int
    activation: float
    position: tuple[int, ...]
    corner: tuple[int, ...]
    scale: float
    projection: np.ndarray
    patch: np.ndarray
    check: dict[str, Any] | None = None

    def numbers(self, *names: str) -> dict[str, Any]:
        """These attributes as JSON holds them."""
        values = {name: getattr(self, name) for name in names}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def projected_activations(
    parts: Iterable[ProjectedStrongest], strongest: Mapping[str, Strongest], image_input: ImageInput
) -> Iterator[ProjectedActivation]:
    """Makes pictures of the `parts` that `project_strongest` yields, as they come; a thread does so while the next part is projected.

    Their patches are RGB 0..255; `strongest` has the activations that were projected, by layer.
    """
    with ThreadPoolExecutor(1) as pool:
        for pictures in map_ahead(pool, functools.partial(_pictures_of, strongest, image_input), parts, most=1):
            yield from pictures


def _pictures_of(strongest: Mapping[str, Strongest], image_input: ImageInput, part: ProjectedStrongest) -> list[ProjectedActivation]:
    found, projections = strongest[part.layer], image_input.pictures(part.projections)
    scales = signed_scale(projections)
    pictures = signed_to_rgb(projections, scales)
    patches = np.clip(np.rint(image_input.pictures(part.patches)), 0, 255).astype(np.uint8)
    return [
        ProjectedActivation(
            part.layer,
            *place,
            example=int(found.examples[place]),
            activation=float(found.values[place]),
            position=tuple(found.positions[place].tolist()),
            corner=tuple(part.corners[row].tolist()),
            scale=float(scales[row]),
            projection=pictures[row],
            patch=patches[row],
        )
        for row, place in enumerate(zip(part.units.tolist(), part.ranks.tolist(), strict=True))
    ]


def project_activations(
    deconvnet: Deconvnet,
    batches: Iterable[Any],
    strongest: dict[str, Strongest],
    chosen: dict[str, tuple[np.ndarray, np.ndarray]],
    image_input: ImageInput,
    fill: np.ndarray | None = None,
    quick: bool = False,
) -> Iterator[ProjectedActivation]:
    """Projects activations, as they come; arguments as in `project_strongest`.

    With `fill`, the value of hidden pixels, of the shape of one image or pixel, each has its `check`; a `quick` one as in `part_checks`.
    """
    if fill is None:
        yield from projected_activations(project_strongest(deconvnet, batches, strongest, chosen), strongest, image_input)
        return

    def checked(batch: tuple[Any, np.ndarray]) -> list[ProjectedActivation]:
        images, ids = batch
        here: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for layer, (units, ranks) in chosen.items():
            rows = np.isin(strongest[layer].examples[units, ranks], ids)
            here |= {layer: (units[rows], ranks[rows])} if rows.any() else {}
        found: list[ProjectedActivation] = []
        for part in project_strongest(deconvnet, [batch], strongest, here):
            checks = part_checks(deconvnet, np.asarray(images), ids, part, strongest[part.layer], fill, quick)
            pictures = _pictures_of(strongest, image_input, part)
            found.extend(each._replace(check=check) for each, check in zip(pictures, checks, strict=True))
        return found

    wanted = {int(number) for layer, places in chosen.items() for number in strongest[layer].examples[places]}
    came: set[int] = set()

    def watched() -> Iterator[tuple[Any, np.ndarray]]:
        for batch in image_batches(batches):
            came.update(batch[1].tolist())
            yield batch

    # A check needs the whole images, which are at hand as long as their batch. One batch is checked while the next one is projected.
    with ThreadPoolExecutor(1) as pool:
        for found in map_ahead(pool, checked, watched(), most=1):
            yield from found
    if missing := wanted - came:
        raise ValueError(missing_images(len(missing), len(wanted), len(came)))


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


def signed_scale(projections: np.ndarray) -> np.ndarray:
    """The scale of each projection `(N, H, W, C)`: the absolute value that is black or white, which only 0.2 % of its values exceed.

    Activations differ by orders of magnitude, so every projection has its own. Zeiler & Fergus 2013, Fig. 2, do not state theirs. A scale
    is greater than 0 unless the projection is nothing but zeros.
    """
    flat = np.abs(projections).reshape(len(projections), -1)
    scale = np.quantile(flat, 1 - OUTLIERS, axis=1)
    # A projection that is zero almost everywhere is not all grey.
    return np.where(scale > 0, scale, flat.max(axis=1))


def signed_to_rgb(projections: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Turns signed pixel values into a picture in which 0 is grey.

    Args:
        projections: float array `(N, H, W, C)`, signed values of any range.
        scale: `(N,)`, the absolute value of each that becomes black or white; larger ones are clipped. `None` takes `signed_scale`.

    Returns:
        uint8 array `(N, H, W, C)`; 128 is 0. A projection of nothing but zeros is grey.

    Examples:
        >>> signed_to_rgb(np.array([[[[-2.0], [0.0], [2.0]]]])).ravel()
        array([  0, 128, 255], dtype=uint8)
    """
    scale = signed_scale(projections) if scale is None else scale
    scale = np.where(scale > 0, scale, 1)[:, None, None, None]
    return np.clip(np.rint(128 + 127.5 * projections / scale), 0, 255).astype(np.uint8)
