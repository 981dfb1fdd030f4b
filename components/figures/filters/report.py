"""Everything that the figure of filters knows of one model."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import model_batches, read_origins
from zfnet.components.figures.filters.first_layer import FirstLayer, first_layer
from zfnet.components.figures.filters.second_layer import SecondLayer, no_projection, second_layer
from zfnet.components.figures.filters.verdicts import Verdict, judge_aliasing, judge_dead, judge_size, judge_spread, judge_structure
from zfnet.components.figures.layers import convolutions, paper_layers
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.map_activations import ActivationSpread, MapActivations, activation_spread, map_activations
from zfnet.model.measures.outputs import rectified_layers, rectified_output

SPLIT = "validation"


class FilterReport(NamedTuple):
    """One model, measured.

    Attributes:
        name: what the model is called.
        images: how many it was measured on.
        image_size: height and width, in pixels.
        first: its first convolution.
        rectified: the layers that have the ReLU of the first and of the second convolution; None where there is none.
        dead: `(filters,)` booleans, which maps of the first convolution are dead; None if no ReLU follows it.
        second: maps of its second convolution; None if there is nothing to draw.
        no_second: why not; None if there is.
        layers: the maps of each layer that ends in a ReLU.
        spreads: how evenly their activation is spread.
        verdicts: what is to be said of all that.
        ids: of the examples drawn, by their numbers.
        photographs: hex SHA-256 over the names of all examples: equal where models were measured on the same photographs.
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
    ids: dict[int, str]
    photographs: str

    def order(self) -> np.ndarray:
        """The filters of the first convolution: with structure, of one colour, of noise, each the least aliased first; dead ones last."""
        dead = np.zeros(len(self.first.aliased), bool) if self.dead is None else self.dead
        structure = self.first.structure
        return np.lexsort((self.first.aliased, structure.noisy, ~structure.structured, dead))


def filter_report(
    deconvnet: Deconvnet,
    examples: Examples,
    *,
    name: str,
    radius: float | None,
    maps: int,
    seed: int,
) -> FilterReport:
    """Measures one model; arguments as `draw_filters` takes them.

    Zeiler & Fergus 2013, section 4.1 and Fig. 6.
    """
    graph = deconvnet.graph
    first_name = paper_layers(deconvnet).first
    first = first_layer(deconvnet, first_name, radius)
    image_input = ImageInput.of(deconvnet.model, examples.image_size)

    def batches(title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return model_batches(examples, SPLIT, image_input, title, numbers=numbers)

    rectified = rectified_layers(graph)
    layers = map_activations(deconvnet, batches("Measuring"), rectified) if rectified else {}
    spreads = {layer: activation_spread(found.means) for layer, found in layers.items()}
    second, no_second = _second(deconvnet, batches, image_input, maps, seed)
    rectifiers = [rectified_output(graph, layer) for layer in convolutions(graph)[:2]] + [None]
    structure = judge_structure(first_name, first.structure)
    unlearned = bool(structure.change)
    verdicts = [
        structure,
        judge_aliasing(first_name, first.aliased, first.size, first.strides, unlearned),
        judge_size(first_name, first.rms, first.clipped, first.radius, unlearned),
        *judge_dead(layers, rectifiers[0]),
        judge_spread(spreads, {layer: len(found.means) for layer, found in layers.items()}, unlearned),
    ]
    ids = read_origins(examples, SPLIT)[2]
    return FilterReport(
        name=name,
        images=examples.count(SPLIT),
        image_size=(image_input.height, image_input.width),
        first=first,
        rectified=(rectifiers[0], rectifiers[1]),
        dead=layers[rectifiers[0]].dead if rectifiers[0] else None,
        second=second,
        no_second=no_second,
        layers=layers,
        spreads=spreads,
        verdicts=verdicts,
        ids={int(number): ids[number] for number in (second.examples if second else ())},
        photographs=hashlib.sha256(json.dumps([examples.read_json("manifest.json")["name"], *ids]).encode()).hexdigest(),
    )


def _second(
    deconvnet: Deconvnet, batches: Callable[..., Iterable], image_input: ImageInput, maps: int, seed: int
) -> tuple[SecondLayer | None, str | None]:
    names = convolutions(deconvnet.graph)
    if len(names) < 2:
        return None, "the model has one convolution alone"
    layer = rectified_output(deconvnet.graph, names[1]) or names[1]
    if reason := no_projection(deconvnet, layer):
        return None, reason
    found = second_layer(deconvnet, layer, batches, image_input, maps=maps, seed=seed)
    return found, None if found else f"no map of {layer} is ever positive"
