"""Check of projections: how far an activation falls when the pixels that its projection marks are hidden."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.receptive_field import field_of_value
from zfnet.model.deconvnet.targets import Targets, find_places

SHARE = 0.1  # Of the pixels of the receptive field.
DRAWS = 4  # Random choices of other pixels, whose mean is taken.
TOGETHER = 32  # Images with hidden pixels in one forward pass.


class PixelCheck(NamedTuple):
    """Falls of activations when pixels are hidden, as shares of the activation: 0 for no change, 1 for nothing left.

    A fall is negative if the activation grows, and above 1 if it becomes negative. It is NaN for an activation that is not positive, and
    for a projection that is 0 everywhere.

    Attributes:
        fall: float64 `(M,)`, when the pixels are hidden in which the projection is strongest.
        fall_elsewhere: float64 `(M,)`, when as many other pixels of the receptive field are hidden, chosen at random: the mean over several
            choices. NaN too if there are not as many.
    """

    fall: np.ndarray
    fall_elsewhere: np.ndarray


def check_projection(
    deconvnet: Deconvnet,
    images: ArrayLike,
    layer: str,
    unit: ArrayLike,
    position: ArrayLike | None = None,
    *,
    share: float = SHARE,
    fill: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> PixelCheck:
    """Measures whether a unit needs the pixels that its projection marks: hides them, and as many others, and runs the net again.

    Args:
        deconvnet: of a model that takes images.
        images: `(N, H, W, C)`, values and layout as the model takes them.
        layer: name of a layer.
        unit: feature map or dense unit, an int, or `(N,)` ints, one for each image.
        position: row and column in the map, or `(N, 2)`; None takes the strongest of each map.
        share: hidden part of the pixels of the receptive field that lie in the image: more than 0, at most 0.5; one pixel at least.
        fill: value of hidden pixels, of the shape of one image or pixel; None takes the mean colour of the images.
        draws: number of random choices of other pixels.
        seed: decides these choices.

    Returns:
        The falls of the `N` activations.

    Raises:
        ValueError: as `Deconvnet.project` does; or the model takes no images, or `share` or `draws` is out of range.

    Examples:
        >>> check_projection(deconvnet, images, "conv5", unit=3).fall.shape
        (4,)
    """
    images = np.asarray(images, np.float32)
    recording = deconvnet.record(images, [layer])
    targets = strongest_targets(deconvnet, np.asarray(recording.activations(layer)), layer, unit, position)
    projections = recording.project(layer, targets.units, targets.positions if targets.positions.size else None, targets.examples)
    first = deconvnet.graph.channels_first
    colour = images.mean(axis=(0, 2, 3) if first else (0, 1, 2))
    fill = np.asarray(colour[:, None, None] if first else colour) if fill is None else np.asarray(fill)
    strengths = pixel_strengths(projections, first)
    return hide_marked(deconvnet, images, layer, targets, strengths, fill, share=share, draws=draws, seed=seed)


def strongest_targets(
    deconvnet: Deconvnet, activations: np.ndarray, layer: str, unit: ArrayLike, position: ArrayLike | None = None
) -> Targets:
    """One activation of each image: arguments as in `check_projection`; `activations` are those of the layer, in the model's layout."""
    activations = np.moveaxis(activations, 1, -1) if deconvnet.graph.is_channels_first(deconvnet.graph.value_of(layer)) else activations
    places = find_places(activations.shape, layer, unit, position)
    return places.targets(np.arange(len(activations)), activations)


def pixel_strengths(projections: np.ndarray, channels_first: bool = False) -> np.ndarray:
    """How strongly projections mark each pixel: sums of absolute values over the channels, `(M, H, W)`."""
    return np.abs(projections).sum(axis=1 if channels_first else -1)


def field_boxes(deconvnet: Deconvnet, images: np.ndarray, layer: str, positions: np.ndarray) -> np.ndarray:
    """Receptive fields of positions `(M, 2)`, as far as they lie in the images: ints `(M, 4)` top, left, bottom, right.

    For a dense unit, and for units without a single field, it is the whole image.
    """
    shapes = deconvnet.record(images[:1], []).shapes  # Known sizes, also of a model that leaves them open.
    size = shapes[0][:2]
    try:
        field = field_of_value(deconvnet.graph, deconvnet.graph.value_of(layer), shapes)
    except ValueError:
        field = None
    if field is None or positions.shape[1] != 2:
        return np.tile([0, 0, *size], (len(positions), 1))
    first = positions * field.stride + field.offset
    return np.concatenate([np.clip(first, 0, size), np.clip(first + field.size, 0, size)], axis=1)


def hide_marked(
    deconvnet: Deconvnet,
    images: np.ndarray,
    layer: str,
    targets: Targets,
    strengths: np.ndarray,
    fill: np.ndarray,
    *,
    share: float = SHARE,
    draws: int = DRAWS,
    seed: int = 0,
) -> PixelCheck:
    """Measures how far activations fall when pixels that any method marks are hidden; further arguments as in `check_projection`.

    Args:
        targets: `M` activations of the images.
        strengths: `(M, H, W)`, how strongly each pixel is marked, 0 for not at all: `pixel_strengths` of projections, for example.
    """
    if deconvnet.graph.dims[0] != 2 or len(deconvnet.graph.inputs) > 1:
        raise ValueError(f"The model {deconvnet.model.name!r} does not take one batch of images: the check hides pixels of images.")
    if not 0 < share <= 0.5 or draws < 1:
        raise ValueError(f"share is {share} and draws is {draws}; expected a share above 0, at most 0.5, and at least one draw.")
    first = deconvnet.graph.channels_first
    boxes = field_boxes(deconvnet, images, layer, targets.positions)
    after = np.full((len(strengths), 1 + draws), np.nan)
    step = max(1, TOGETHER // (1 + draws))
    for start in range(0, len(strengths), step):
        hidden, places = [], []
        for place in range(start, min(start + step, len(strengths))):
            # A seed of its own, so that a check does not depend on the others.
            random = np.random.default_rng([seed, int(targets.units[place]), *targets.positions[place].tolist()])
            for draw, mask in enumerate(_masks(strengths[place], boxes[place], share, draws, random)):
                mask = mask if first else mask[..., None]
                hidden.append(np.where(mask, fill, images[targets.examples[place]]).astype(np.float32))
                places.append((place, draw))
        if hidden:
            rows, columns = np.array(places).T
            after[rows, columns] = _activations_at(deconvnet, np.stack(hidden), layer, targets.units[rows], targets.positions[rows])
    before = np.where(targets.strengths > 0, targets.strengths, np.nan).astype(np.float64)
    return PixelCheck(1 - after[:, 0] / before, 1 - after[:, 1:].mean(axis=1) / before)


def _masks(strength: np.ndarray, box: np.ndarray, share: float, draws: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yields the pixels to hide, bool `(H, W)`: first the strongest of the box, then `draws` times as many others."""
    top, left, bottom, right = box
    inside = strength[top:bottom, left:right]
    count = min(max(1, round(share * inside.size)), int(np.count_nonzero(inside)))
    # Among pixels of equal strength it takes random ones, not the upper left.
    order = np.lexsort((random.random(inside.size), -inside.ravel()))
    others = order[count:]
    choices = [order[:count], *(random.choice(others, count, replace=False) for _ in range(draws if len(others) >= count else 0))]
    for chosen in choices if count else ():
        mask = np.zeros(strength.shape, bool)
        mask[top:bottom, left:right][np.unravel_index(chosen, inside.shape)] = True
        yield mask


def _activations_at(deconvnet: Deconvnet, images: np.ndarray, layer: str, units: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """One activation of each image."""
    maps = np.asarray(deconvnet.activations(images, [layer])[0])
    maps = np.moveaxis(maps, 1, -1) if deconvnet.graph.is_channels_first(deconvnet.graph.value_of(layer)) else maps
    return maps[(np.arange(len(maps)), *positions.T, units)]
