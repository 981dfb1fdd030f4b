"""Measures of the filters of one model."""

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zfnet.components.figures.filters.verdicts import Verdict, judge_aliasing, judge_dead, judge_size, judge_spread, judge_structure
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.layers import convolutions, no_projection, paper_layers
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.inputs.preprocessing import LAYER
from zfnet.components.pictures.projected_activation import ProjectedActivation
from zfnet.components.pictures.sheet import filter_pictures
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.filters import FilterStructure, aliased_energy, at_clip, energy_beyond, filter_rms, filter_structure
from zfnet.model.measures.map_activations import ActivationSpread, MapActivations, activation_spread, map_activations
from zfnet.model.measures.outputs import rectified_layers, rectified_output
from zfnet.model.net.layers import FilterRmsClip

MAPS = 24  # Maps of layer 2 that are drawn.
# Frequencies of the curve of the energy beyond them, in cycles a pixel.
FREQUENCIES = np.linspace(0, 0.5, 51)


class FirstLayer(NamedTuple):
    """The first convolution.

    Attributes:
        name, channels: of the layer; number of its input channels.
        size: height and width of its filters, in pixels, with the gaps of a dilation.
        strides: vertical and horizontal.
        structure: which filters have a pattern, and which are noise or one colour.
        aliased: `(filters,)`, as `aliased_energy`.
        beyond: `(51,)`, for each of `FREQUENCIES` the median over the filters of the energy beyond it.
        rms: `(filters,)`, root mean square of each filter.
        radius, radius_from: of the RMS clip, and its source, `FilterRmsClip` or `--radius`; None if there is none.
        clipped: `(filters,)` booleans, which are at the clip; None if there is none.
        pictures: uint8 `(filters, height, width, 3)`; 0 is grey.
    """

    name: str
    size: tuple[int, int]
    strides: tuple[int, int]
    channels: int
    structure: FilterStructure
    aliased: np.ndarray
    beyond: np.ndarray
    rms: np.ndarray
    radius: float | None
    radius_from: str | None
    clipped: np.ndarray | None
    pictures: np.ndarray


def first_layer(deconvnet: Deconvnet, name: str, radius: float | None = None) -> FirstLayer:
    """Measures the first convolution, `name`; `radius` is that of an RMS clip, for a layer without the constraint `FilterRmsClip`.

    Raises:
        ValueError: the layer's weights are not numbers, or the radius is not positive.
    """
    layer = deconvnet.graph.calls[name][0].layer
    kernel, dilation = np.asarray(layer.kernel, np.float64), tuple(layer.dilation_rate)
    if not np.isfinite(kernel).all():
        raise ValueError(f"Layer {name!r} has weights that are not finite numbers (NaN or infinite): did the training diverge?")
    radius_from = None if radius is None else "--radius"
    if isinstance(layer.kernel_constraint, FilterRmsClip):
        radius, radius_from = float(layer.kernel_constraint.radius), "FilterRmsClip"
    rms = filter_rms(kernel)
    return FirstLayer(
        name=name,
        size=tuple((length - 1) * step + 1 for length, step in zip(kernel.shape[:2], dilation, strict=True)),
        strides=tuple(layer.strides),
        channels=kernel.shape[2],
        structure=filter_structure(kernel),
        aliased=aliased_energy(kernel, layer.strides, dilation),
        beyond=np.array([np.median(energy_beyond(kernel, (limit, limit), dilation)) for limit in FREQUENCIES]),
        rms=rms,
        radius=radius,
        radius_from=radius_from,
        clipped=None if radius is None else at_clip(rms, radius),
        pictures=filter_pictures(over_rgb(deconvnet, kernel)),
    )


def over_rgb(deconvnet: Deconvnet, kernel: np.ndarray) -> np.ndarray:
    """The kernel over red, green and blue; for other channels, the root mean square over them."""
    before = deconvnet.graph.operations[0].layer
    if before.name.startswith(LAYER):
        # Models may take blue before red, or grey: pictures show the filters together with that change.
        return np.einsum("rc,hwcf->hwrf", np.asarray(before.kernel)[0, 0], kernel)
    if kernel.shape[2] in (1, 3):
        return np.broadcast_to(kernel, (*kernel.shape[:2], 3, kernel.shape[3]))
    return np.repeat(np.sqrt(np.square(kernel).mean(axis=2, keepdims=True)), 3, axis=2)


class SecondLayer(NamedTuple):
    """The strongest activation of some maps of a second convolution, each projected; `total` is the number of all its maps."""

    name: str
    total: int
    maps: list[ProjectedActivation]


class FilterReport(NamedTuple):
    """Measures of one model.

    Attributes:
        name: of the model.
        images: ids of the images that it was measured on.
        image_size: height and width, in pixels.
        first: its first convolution.
        rectified: the layers with the ReLU of the first and of the second convolution; None if there is none.
        dead: `(filters,)` booleans, which maps of the first convolution are dead; None if no ReLU follows it.
        second, no_second: maps of the second convolution, or the reason why there is nothing to draw; the other is None.
        layers, spreads: the maps of each layer that ends in a ReLU, and how evenly their activation is spread.
        verdicts: findings about these measures.
        photographs: hex SHA-256 over the ids of all images: equal for models that were measured on the same ones.
    """

    name: str
    images: Sequence[str]
    image_size: tuple[int, int]
    first: FirstLayer
    rectified: tuple[str | None, str | None]
    dead: np.ndarray | None
    second: SecondLayer | None
    no_second: str | None
    layers: dict[str, MapActivations]
    spreads: dict[str, ActivationSpread]
    verdicts: list[Verdict]
    photographs: str

    def order(self) -> np.ndarray:
        """The filters of the first convolution: with structure, of one colour, of noise, each the least aliased first; dead ones last."""
        dead = np.zeros(len(self.first.aliased), bool) if self.dead is None else self.dead
        structure = self.first.structure
        return np.lexsort((self.first.aliased, structure.noisy, ~structure.structured, dead))


def filter_report(
    deconvnet: Deconvnet,
    search: ExampleSearch | None,
    *,
    name: str | None = None,
    radius: float | None = None,
    maps: int = MAPS,
    seed: int = 0,
) -> FilterReport:
    """Measures the filters of one model (Zeiler & Fergus 2013, section 4.1 and Fig. 6).

    Args:
        deconvnet: of the model; with `unsupported="gradient"` any model can be measured.
        search: the images; None measures the first convolution alone.
        name: of the model; None takes the model's own name.
        radius: of the RMS clip, in weight units, for a first convolution without `FilterRmsClip`.
        maps, seed: number of maps of the second convolution to project, and the seed that chooses them.

    Raises:
        ValueError: the model has no convolution, or weights or activations are not numbers.
    """
    graph = deconvnet.graph
    first_name = paper_layers(deconvnet).first
    first = first_layer(deconvnet, first_name, radius)
    structure = judge_structure(first_name, first.structure)
    unlearned = bool(structure.change)
    verdicts = [
        structure,
        judge_aliasing(first_name, first.aliased, first.size, first.strides, unlearned),
        judge_size(first_name, first.rms, first.clipped, first.radius, unlearned),
    ]
    rectified, layers, spreads = (None, None), {}, {}
    second, no_second, ids, data = None, "no images were given", [], ""
    if search:
        ids, data = search.images.origins.ids, search.images.name
        names = rectified_layers(graph)
        layers = map_activations(deconvnet, search.images.batches("Measuring", None), names) if names else {}
        spreads = {layer: activation_spread(found.means) for layer, found in layers.items()}
        second, no_second = _second_layer(search, maps, seed)
        first_two = [rectified_output(graph, layer) for layer in convolutions(graph)[:2]]
        rectified = (first_two[0], first_two[1] if len(first_two) > 1 else None)
        counts = {layer: len(found.means) for layer, found in layers.items()}
        verdicts += [*judge_dead(layers, rectified[0]), judge_spread(spreads, counts, unlearned)]
    return FilterReport(
        name=deconvnet.model.name if name is None else name,
        images=ids,
        image_size=search.images.image_input[:2] if search else ImageInput.of(deconvnet.model)[:2],
        first=first,
        rectified=rectified,
        dead=layers[rectified[0]].dead if rectified[0] else None,
        second=second,
        no_second=no_second,
        layers=layers,
        spreads=spreads,
        verdicts=verdicts,
        photographs=hashlib.sha256(json.dumps([data, *ids]).encode()).hexdigest(),
    )


def _second_layer(search: ExampleSearch, maps: int, seed: int) -> tuple[SecondLayer | None, str | None]:
    """Projects a random subset of the living maps, Fig. 6(d) and (e); if there is nothing to project, says why."""
    graph = search.deconvnet.graph
    names = convolutions(graph)
    if len(names) < 2:
        return None, "the model has one convolution alone"
    layer = rectified_output(graph, names[1]) or names[1]
    if reason := no_projection(search.deconvnet, layer):
        return None, reason
    strongest = search.strongest([layer])
    found = strongest[layer]
    order = np.random.default_rng(seed).permutation(len(found.values))
    units = np.sort(order[found.values[order, 0] > 0][:maps])
    if not units.size:
        return None, f"no map of {layer} is ever positive"
    projected = search.project(strongest, {layer: (units, np.zeros_like(units))})
    return SecondLayer(layer, len(found.values), sorted(projected, key=lambda each: each.unit)), None
