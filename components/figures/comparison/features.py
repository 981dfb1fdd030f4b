"""The feature maps of one trained architecture that have no match in another."""

from collections.abc import Mapping

import keras
import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.figures.gallery.answers import NOTE
from zfnet.components.figures.gallery.compared import layers_by_place
from zfnet.components.figures.gallery.example_search import SHOWN, ExampleSearch
from zfnet.components.figures.gallery.gallery import GalleryModel, layer_galleries
from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.matching.matches import LayerMatches, match_layers
from zfnet.components.pictures.figure import Figure, picture_name
from zfnet.components.pictures.sheet import side_by_side, with_note
from zfnet.model.deconvnet.deconvnet import Deconvnet

MAPS = 4  # Maps of a layer that are drawn: those that are least like any map of the other network.
ALONE = "Best correlation: the highest correlation of the map with any map of the other network, place by place, over the same images."


def draw_features_alone(models: Mapping[str, keras.Model], examples: Examples, seed: int = 0) -> Figure:
    """Finds the maps of the first network without a match in each other one, and the reverse, and draws those that are least alike.

    Layers are matched by their order. A map has no match if its correlation with every map of the other's layer, over the validation
    examples, is at most the threshold of `LayerMatches`. Maps whose nine examples all differ are drawn first.

    Args:
        models: trained networks by their names, two or more; they take RGB 0..255 of the size of the examples.
        examples: prepared examples.
        seed: of the shuffling of weights.

    Returns:
        Pictures `compare_features_<layer>`: left the maps that only the first network has, right those that only the other has; with three
        networks or more `compare_features_<layer>~<number>` for each other one, by its place from 2 on. The numbers have, as `features`,
        for each pair of networks in both directions its `names`, and for each of `layers` those of `LayerMatches.numbers` and the maps
        that are `drawn`.
    """
    searches = {}
    for name, model in models.items():
        deconvnet = Deconvnet(model)
        searches[name] = ExampleSearch(deconvnet, ImageSet.of_examples(model, examples), name)
    first, *others = searches
    pictures, numbers = {}, []
    for number, other in enumerate(others, start=2):
        one, two = pair = searches[first], searches[other]
        rows, _ = layers_by_place([each.deconvnet for each in pair])
        ways = _matches(one, two, [(row[0], row[1]) for row in rows], seed), _matches(two, one, [(row[1], row[0]) for row in rows], seed)
        for search, found in zip(pair, ways, strict=True):
            search.strongest([each.layers[0] for each in found])  # One pass for all layers.
        drawn = [[_least_alike(search, each) for each in found] for search, found in zip(pair, ways, strict=True)]
        numbers += [
            {"names": list(names), "layers": [each.numbers() | {"drawn": units} for each, units in zip(found, chosen, strict=True)]}
            for names, found, chosen in zip(((first, other), (other, first)), ways, drawn, strict=True)
        ]
        for here, there, *units in zip(*ways, *drawn, strict=True):
            name = picture_name("compare_features", f"{here.layers[0]}~{number}" if len(others) > 1 else here.layers[0])
            sheets = [_sheet(*each) for each in zip(pair, (here, there), units, strict=True)]
            titles = [_title(*each) for each in (((first, other), here), ((other, first), there))]
            pictures[name] = with_note(with_note(side_by_side(sheets, titles), ALONE), NOTE)
    return Figure("features_alone", pictures, {"features": numbers})


def _matches(one: ExampleSearch, other: ExampleSearch, layers: list[tuple[str, str]], seed: int) -> list[LayerMatches]:
    return match_layers(one.deconvnet, other.deconvnet, (one.images, other.images), layers, "Comparing features", seed)


def _least_alike(search: ExampleSearch, found: LayerMatches) -> list[int]:
    layer, best = found.layers[0], found.matches.best_correlations
    # A map that is active in few images correlates with none, and shows little: such maps come last.
    return sorted(found.maps(False), key=lambda unit: (len(search.different(layer, unit)) < SHOWN, best[unit]))[:MAPS]


def _sheet(search: ExampleSearch, found: LayerMatches, units: list[int]) -> np.ndarray | None:
    if not units:
        return None
    layer, best = found.layers[0], found.matches.best_correlations
    gallery = layer_galleries(GalleryModel(search, named={layer: units}), [layer], maps=MAPS, seed=0)[layer]
    headings = {unit: f"best correlation {best[unit]:.2f}: {heading}" for unit, heading in gallery.headings.items()}
    return gallery.tiles.sheet(headings, 1) if gallery.tiles else None


def _title(names: tuple[str, str], found: LayerMatches) -> str:
    alone, shared = len(found.maps(False)), len(found.maps(True))
    return f"{names[0]}, {found.layers[0]}: {alone} of {alone + shared} maps have no match in {names[1]}"
