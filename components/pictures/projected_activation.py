"""Strong activations projected to pixels, as pictures and numbers."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.projection_checks import part_checks
from zfnet.model.ahead import map_ahead
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import image_batches
from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest, missing_images, project_strongest
from zfnet.model.deconvnet.strongest import Strongest

# Share of the values of a projection that may lie beyond its scale, so that single pixels do not make the rest grey.
OUTLIERS = 0.002


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
