"""Everything that the figure of filters knows of one model."""

import hashlib
import json
from typing import NamedTuple

import numpy as np

from zfnet.components.figures.filters.first_layer import FirstLayer, first_layer
from zfnet.components.figures.filters.verdicts import Verdict, judge_aliasing, judge_dead, judge_size, judge_spread, judge_structure
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.layers import convolutions, paper_layers
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.project_images import projected_pictures
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.rules.rule import Gradient
from zfnet.model.measures.map_activations import ActivationSpread, MapActivations, activation_spread, map_activations
from zfnet.model.measures.outputs import rectified_layers, rectified_output

# Maps of layer 2 that are drawn.
MAPS = 24


class SecondLayer(NamedTuple):
    """Some maps of a second convolution, each with the projection of its strongest activation.

    Attributes:
        name: of the layer.
        total: number of all maps of the layer.
        maps: `(M,)` ints, the numbers of those that are drawn.
        activations: `(M,)`, the strongest activation of each.
        examples: ids of the images, `M` of them.
        positions: `(M, 2)` ints, row and column in the map.
        corners: `(M, 2)` ints, row and column of the window's corner in the image.
        scales: `(M,)`, the absolute value that is black or white.
        pictures: uint8 `(M, h, w, 3)`, the projections of those windows; 0 is grey.
    """

    name: str
    total: int
    maps: np.ndarray
    activations: np.ndarray
    examples: list[str]
    positions: np.ndarray
    corners: np.ndarray
    scales: np.ndarray
    pictures: np.ndarray


class FilterReport(NamedTuple):
    """One model, measured.

    Attributes:
        name: of the model.
        images: how many it was measured on.
        image_size: height and width, in pixels.
        first: its first convolution.
        rectified: the layers that have the ReLU of the first and of the second convolution; None where there is none.
        dead: `(filters,)` booleans, which maps of the first convolution are dead; None if no ReLU follows it.
        second: maps of its second convolution; None if there is nothing to draw.
        no_second: why there is nothing to draw; None if there is.
        layers: the maps of each layer that ends in a ReLU.
        spreads: how evenly their activation is spread.
        verdicts: findings about all of that.
        photographs: hex SHA-256 over the names of all images: equal for models that were measured on the same ones.
    """

    name: str
    images: int
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
    """Measures the filters of one model.

    Zeiler & Fergus 2013, section 4.1 and Fig. 6.

    Args:
        deconvnet: of the model; with `unsupported="gradient"` any model can be measured.
        search: the images; None measures the first convolution alone.
        name: of the model; None takes the model's own name.
        radius: of the RMS clip, in weight units, for a first convolution without `FilterRmsClip`.
        maps: of the second convolution, how many to project.
        seed: decides which.

    Returns:
        All measures, and the verdicts.

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
        images=len(ids),
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
    pictures: dict[int, np.ndarray] = {}
    corners, scales = np.zeros((len(units), 2), int), np.zeros(len(units))
    for part in search.project(strongest, {layer: (units, np.zeros_like(units))}):
        drawn = projected_pictures(part, search.images.image_input)
        for row, place in enumerate(np.searchsorted(units, part.units).tolist()):
            pictures[place], corners[place], scales[place] = drawn.projections[row], part.corners[row], drawn.scales[row]
    examples = [search.images.origins.ids[number] for number in found.examples[units, 0]]
    activations, positions = found.values[units, 0], found.positions[units, 0]
    projections = np.stack([pictures[place] for place in range(len(units))])
    return SecondLayer(layer, len(found.values), units, activations, examples, positions, corners, scales, projections), None


def no_projection(deconvnet: Deconvnet, layer: str) -> str | None:
    """Why a layer can't be projected from, or None if it can: a deconvnet is not defined for some layer below it."""
    for operation in deconvnet.graph.needed_for(deconvnet.graph.value_of(layer)):
        if isinstance(operation.rule, Gradient):
            kind = type(operation.layer).__name__
            return f"no deconvnet is defined for layer {operation.layer.name!r} ({kind})"
    return None
