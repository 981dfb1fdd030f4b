"""Likeness of projections to those of a net with shuffled weights, layer by layer."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from skimage.metrics import structural_similarity

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.rules.rule import PassThrough, Rectify
from zfnet.model.deconvnet.targets import Targets
from zfnet.model.measures.projection_check import field_boxes, pixel_strengths, strongest_targets
from zfnet.model.progress import progress

FIXED = "preprocessing_"  # Prefix of the names of layers before the net's own: no training made their weights.
IMAGES = 16  # That run through the net together.
SSIM_WINDOW = 7  # Usual side of the windows that SSIM compares; smaller for smaller pictures.


class Likeness(NamedTuple):
    """Likeness of projections, each the mean over them: 1 for equal ones, about 0 for unrelated ones; NaN if none can be compared.

    Attributes:
        pattern: Spearman's rank correlation of the signed pixel values: the same picture?
        places: Spearman's rank correlation of the pixels' strengths (`pixel_strengths`): the same places in the image?
        ssim: structural similarity of the projections, each divided by its largest absolute value: the same look?
    """

    pattern: float
    places: float
    ssim: float


class LayerCheck(NamedTuple):
    """Likeness of a net's projections to those with shuffled weights, for each layer that they pass.

    Attributes:
        layers: names of the layers with weights, from the image to the layer that is projected from.
        alone: likeness if this layer alone is shuffled.
        above: likeness if this layer and all above it, up to the one that is projected from, are shuffled.
        below: likeness if this layer and all below it are shuffled.
    """

    layers: list[str]
    alone: list[Likeness]
    above: list[Likeness]
    below: list[Likeness]


def check_layers(
    deconvnet: Deconvnet, images: ArrayLike, layer: str, unit: ArrayLike, position: ArrayLike | None = None, *, seed: int = 0
) -> LayerCheck:
    """Measures how much projections depend on the weights of each layer: shuffles them, projects again, and compares.

    Adebayo et al. 2018, "Sanity Checks for Saliency Maps": a picture that stays alike does not show what the layer has learned. The weights
    of a layer are permuted at random, kernel and bias each by itself. Both ways of the paper are measured: layers one by one (`alone`), and
    cascades from the top (`above`) and from the image (`below`). Layers above the one that is projected from take no part in a projection.

    Args:
        deconvnet: of a model that takes images. Its weights are changed in place while this runs, and put back at the end, also after an
            error: do not use the model at the same time.
        images: `(N, H, W, C)`, values and layout as the model takes them.
        layer: name of a layer.
        unit: feature map or dense unit, an int, or `(N,)` ints, one for each image.
        position: row and column in the map, or `(N, 2)`; None takes the strongest of each map.
        seed: decides the permutations.

    Returns:
        Means over the images. Projections start from the same place with the strength 1, whatever the activation with shuffled weights,
        so that they are also defined where it is 0. Pixels outside of the receptive field are not compared.

    Raises:
        ValueError: as in `check_projection`.

    Examples:
        >>> found = check_layers(deconvnet, images[:1], "conv2", unit=3)
        >>> found.layers, len(found.alone)
        (['conv1', 'conv2'], 2)
    """
    images = np.asarray(images, np.float32)
    activations = np.asarray(deconvnet.activations(images, [layer])[0])
    targets = strongest_targets(deconvnet, activations, layer, unit, position)
    return check_layers_of(deconvnet, images, layer, targets, seed)


def check_layers_of(deconvnet: Deconvnet, images: np.ndarray, layer: str, targets: Targets, seed: int = 0) -> LayerCheck:
    """Like `check_layers`, of given activations of the images, one or several of each."""
    if deconvnet.graph.dims[0] != 2 or len(deconvnet.graph.inputs) > 1:
        raise ValueError(f"The model {deconvnet.model.name!r} does not take one batch of images: the check compares pictures.")
    layers = weighted_layers(deconvnet.graph, layer)
    original, count = _projections(deconvnet, images, layer, targets), len(layers)
    steps = {
        "alone": [range(place, place + 1) for place in range(count)],
        "above": [range(place, count) for place in range(count)],
        "below": [range(place + 1) for place in range(count)],
    }
    ranges = list(dict.fromkeys(each for group in steps.values() for each in group))
    found: dict[range, Likeness] = {}
    for chosen in progress(ranges, len(ranges), "Shuffling weights"):
        with shuffled(list(layers.values()), chosen, seed):
            found[chosen] = likeness(original, _projections(deconvnet, images, layer, targets))
    return LayerCheck(list(layers), *([found[each] for each in group] for group in steps.values()))


def shuffled_likeness(deconvnet: Deconvnet, images: np.ndarray, layer: str, targets: Targets, seed: int = 0) -> Likeness:
    """Compares projections of given activations with those after the weights of all layers on their way are shuffled."""
    layers, original = list(weighted_layers(deconvnet.graph, layer).values()), _projections(deconvnet, images, layer, targets)
    with shuffled(layers, range(len(layers)), seed):
        return likeness(original, _projections(deconvnet, images, layer, targets))


def weighted_layers(graph: Graph, layer: str) -> dict[str, keras.layers.Layer]:
    """Layers with a matrix of weights that projections from `layer` pass, by their names, from the image upwards.

    Normalisations have no matrix; layers that the signal skips, rectifiers, and a preprocessing do not count.
    """
    names = {operation.output: name for name, operations in graph.calls.items() for operation in operations}
    found: dict[str, keras.layers.Layer] = {}
    for operation in graph.needed_for(graph.value_of(layer)):
        weights = getattr(operation.layer, "weights", ())  # An operation such as `x / 255` is no layer.
        has_matrix = any(len(weight.shape) > 1 for weight in weights)
        is_own = not getattr(operation.layer, "name", "").startswith(FIXED)
        if has_matrix and is_own and type(operation.rule) not in (PassThrough, Rectify) and operation.layer not in found.values():
            found[names[operation.output]] = operation.layer
    return found


@contextlib.contextmanager
def shuffled(layers: Sequence[keras.layers.Layer], chosen: Sequence[int], seed: int = 0) -> Iterator[None]:
    """Permutes the weights of some layers, chosen by their places, until the `with` statement ends; in the same way at each call."""
    weights = [
        (weight, np.random.default_rng([seed, place, number])) for place in chosen for number, weight in enumerate(layers[place].weights)
    ]
    with _permuted(weights):
        yield


@contextlib.contextmanager
def shuffled_kernels(model: keras.Model, seed: int = 0) -> Iterator[None]:
    """Permutes the weights of every kernel of a model until the `with` statement ends; biases, means and the like stay.

    The net then has learned nothing, and its weights have the same distribution: what its maps have in common with others is chance.
    """
    random = np.random.default_rng(seed)
    with _permuted([(weight, random) for weight in model.weights if weight.name.endswith("kernel") and not weight.path.startswith(FIXED)]):
        yield


@contextlib.contextmanager
def _permuted(weights: Sequence[tuple[keras.Variable, np.random.Generator]]) -> Iterator[None]:
    kept = [np.array(weight.numpy()) for weight, _ in weights]
    try:
        for (weight, random), value in zip(weights, kept, strict=True):
            weight.assign(random.permutation(value.ravel()).reshape(value.shape))
        yield
    finally:
        for (weight, _), value in zip(weights, kept, strict=True):
            weight.assign(value)


def _projections(deconvnet: Deconvnet, images: np.ndarray, layer: str, targets: Targets) -> list[np.ndarray]:
    """Projections of strength 1, cut to their receptive fields, as far as these lie in the image: `(h, w, C)` each."""
    first, boxes = deconvnet.graph.channels_first, field_boxes(deconvnet, images, layer, targets.positions)
    cut: dict[int, np.ndarray] = {}
    for start in range(0, len(images), IMAGES):
        rows = np.flatnonzero((targets.examples >= start) & (targets.examples < start + IMAGES))
        batch = deconvnet.record_batch(images[start : start + IMAGES], [layer])
        places = targets.examples[rows] - start, targets.units[rows], targets.positions[rows]
        examples, units, positions = (each.astype(np.int32) for each in places)
        here = Targets(examples, units, positions, np.ones(len(rows), np.float32))
        ((windows, corners),) = batch.windows_of(layer, here)
        windows = np.moveaxis(windows, 1, -1) if first else windows
        corners = np.zeros((len(rows), 2), int) if corners is None else corners
        for row, window, corner in zip(rows.tolist(), windows, corners, strict=True):
            top, left, bottom, right = boxes[row] - np.tile(corner, 2)
            cut[row] = window[top:bottom, left:right].copy()
    return [cut[row] for row in range(len(boxes))]


def likeness(ones: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> Likeness:
    """Compares projections `(h, w, C)`, pair by pair; a projection that is the same everywhere is left out.

    Examples:
        >>> picture = np.random.default_rng(0).normal(size=(9, 9, 3))
        >>> [round(value) for value in likeness([picture], [-picture])[:2]]
        [-1, 1]
    """
    pairs = [(one, other) for one, other in zip(ones, others, strict=True) if np.ptp(one) and np.ptp(other)]
    return Likeness(
        _mean([_rank_correlation(one, other) for one, other in pairs]),
        _mean([_rank_correlation(pixel_strengths(one), pixel_strengths(other)) for one, other in pairs]),
        _mean([_ssim(one / np.abs(one).max(), other / np.abs(other).max()) for one, other in pairs]),
    )


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    # A constant has no ranks.
    return float(stats.spearmanr(one.ravel(), other.ravel()).statistic) if np.ptp(one) and np.ptp(other) else np.nan


def _ssim(one: np.ndarray, other: np.ndarray) -> float:
    side = min(SSIM_WINDOW, *one.shape[:2])
    window = side - 1 + side % 2
    return float(structural_similarity(one, other, win_size=window, data_range=2, channel_axis=-1)) if window > 1 else np.nan


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
