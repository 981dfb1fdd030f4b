"""The gallery: the nine strongest activations of some units, as projections and as patches."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zfnet.components.figures.gallery.answers import NOTE, answer_numbers, answer_words, raised_words
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery_tiles import GalleryTiles, gallery_numbers
from zfnet.components.figures.images import class_name, mean_grey
from zfnet.components.figures.units import unit_name
from zfnet.components.pictures.figure import Figure, picture_name
from zfnet.components.pictures.projection_checks import checks_note, layer_numbers
from zfnet.components.pictures.sheet import side_by_side, with_note
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.measures.contributions import Contributions

STRONGEST, MATTERS = "strongest activation", "matters most for the class that is predicted"
WITHIN = " in images of {}"


class GalleryModel(NamedTuple):
    """One of the models of a gallery.

    Attributes:
        search: over images that are the same for all models, each at the model's size.
        name: heading above its part of each picture.
        labels: names of its classes; empty if they are not known.
        named: units to draw, for some layers, instead of random ones.
        about: further entries of the numbers.
        checked: whether each projection is checked, and drawn with bars: see `PixelCheck` and `LayerCheck`.
    """

    search: ExampleSearch
    name: str = ""
    labels: Sequence[str] = ()
    named: Mapping[str, Sequence[int]] = {}
    about: Mapping[str, Any] = {}
    checked: bool = False


class LayerGallery(NamedTuple):
    """The gallery of one layer: tiles, None if no unit is ever positive; names of the units; numbers as in `draw_gallery`.

    `mattering` has the tiles of the examples in which each unit matters most, and `raised` their headings; None if they are not drawn.
    """

    tiles: GalleryTiles | None
    headings: Mapping[int, str]
    numbers: dict[str, Any]
    mattering: GalleryTiles | None = None
    raised: Mapping[int, str] = {}

    def picture(self, columns: int | None = None) -> np.ndarray | None:
        """The sheet, as in `GalleryTiles.sheet`; with `mattering`, two sheets side by side; and notes that explain the numbers."""
        if self.tiles is None:
            return None
        where = WITHIN.format(self.numbers["within"]) if "within" in self.numbers else ""
        if self.mattering is not None:
            height = max(tiles.height(self.headings) for tiles in (self.tiles, self.mattering))
            sheets = [self.tiles.sheet(self.headings, 1, height), self.mattering.sheet(self.raised, 1, height)]
            drawn = side_by_side(sheets, [f"{STRONGEST}{where}", MATTERS])
        else:
            drawn = self.tiles.sheet(self.headings, columns)
            drawn = side_by_side([drawn], [f"{STRONGEST}{where}"]) if where else drawn
        drawn = with_note(drawn, NOTE) if "answers" in self.numbers else drawn
        return with_note(drawn, checks_note(self.numbers["alike"])) if "alike" in self.numbers else drawn


def layer_galleries(
    model: GalleryModel, layers: Sequence[str], *, maps: int, seed: int, within: str | None = None, matters: bool = False
) -> dict[str, LayerGallery]:
    """Finds the nine strongest activations of some units, at nine different places, and projects them; see `draw_gallery`."""
    search = model.search if within is None else model.search.within(within)
    labels, ids = model.search.images.labels, model.search.images.origins.ids
    everywhere, strongest = model.search.strongest(layers), search.strongest(layers)
    answers = {layer: model.search.answers(layer) for layer in layers}
    units = {}
    for layer, found in strongest.items():
        counts = answers[layer]
        order = model.named.get(layer, np.random.default_rng(seed).permutation(len(found.values)).tolist())
        if by_class := layer not in model.named and within is not None and counts is not None:
            order = np.argsort(-counts.auc[:, list(labels).index(within)], kind="stable").tolist()
        living = [unit for unit in order if found.values[unit, 0] > 0]
        units[layer] = living if layer in model.named else living[:maps] if by_class else sorted(living[:maps])
    grey = mean_grey(search.deconvnet, search.images.image_input, model.search.images) if model.checked else None
    fill = grey.values if grey else None
    drawn = _drawn(search, strongest, units, fill)
    contributions = search.contributions(list(drawn)) if matters else {}
    mattering = _drawn(search, {layer: each.strongest for layer, each in contributions.items()}, units, fill)
    galleries = {}
    for layer, found in everywhere.items():
        tiles, counts = drawn.get(layer), answers[layer]
        shown = list(dict.fromkeys(tiles.units.tolist())) if tiles else []
        names = {unit: unit_name(search.deconvnet, layer, unit, model.labels) for unit in shown}
        headings = {unit: name + answer_words(counts, unit, labels) for unit, name in names.items()}
        numbers = gallery_numbers(found, tiles, ids)
        numbers |= {} if within is None else {"within": within}
        numbers |= answer_numbers(counts, found, labels) if counts else {}
        if grey and tiles:
            # Ranks rise, so that the first of each unit is its strongest.
            first = np.unique(tiles.units, return_index=True)[1]
            check = search.check_layers(layer, strongest[layer], tiles.units[first], tiles.ranks[first])
            numbers |= {"hidden": grey.source, "alike": layer_numbers(check)}
        if layer in mattering:
            numbers["matters"] = _matters(mattering[layer], contributions[layer], ids, model.labels)
        raised = {unit: name + raised_words(numbers.get("matters", {}).get(str(unit), [])) for unit, name in names.items()}
        galleries[layer] = LayerGallery(tiles, headings, numbers, mattering.get(layer), raised)
    return galleries


def _drawn(
    search: ExampleSearch, strongest: Mapping[str, Strongest], units: Mapping[str, Sequence[int]], fill: np.ndarray | None
) -> dict[str, GalleryTiles]:
    chosen = {}
    for layer, found in strongest.items():
        shown = [(unit, rank) for unit in units[layer] for rank in search.different(layer, unit, strongest=found)]
        if shown:
            chosen[layer] = tuple(np.array(shown).T)
    drawn = {layer: GalleryTiles(*places) for layer, places in chosen.items()}
    for each in search.project(dict(strongest), chosen, fill):
        drawn[each.layer].add(each)
    return drawn


def _matters(tiles: GalleryTiles, found: Contributions, ids: Sequence[str], labels: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    numbers = tiles.numbers(ids)
    for unit, shown in numbers.items():
        for rank, each in zip(tiles.ranks[tiles.units == int(unit)].tolist(), shown, strict=True):
            predicted = int(found.predicted[int(unit), rank])
            each |= {"contribution": float(found.contributions[int(unit), rank]), "predicted": class_name(predicted, labels)}
    return numbers


def draw_gallery(
    model: GalleryModel, layers: Sequence[str], *, maps: int, seed: int, within: str | None = None, matters: bool = False
) -> Figure:
    """Draws the gallery of one model: a picture for each layer that is ever positive (Zeiler & Fergus 2013, Fig. 2).

    Each activation is projected to pixels, beside its patch of the image; a projection has a scale of its own (`signed_scale`). Windows
    that leave the image are moved into it (`project_strongest`), so that all tiles of a layer are full. Headings name the classes that a
    unit answers to, with the AUC (`ClassAnswers`), if it is at least 0.8.

    Args:
        layers: names of layers, with feature maps or dense.
        maps, seed: number of units of each layer, which the seed draws at random from those that are ever positive.
        within: draws the strongest activations over the images of this class alone, of the units with the highest AUC for it, highest
            first.
        matters: beside the strongest activations, draws the examples in which each unit contributes most to the logit of the predicted
            class, at the position with the largest contribution (`strongest_contributions`).

    Returns:
        Pictures `gallery_<layer>`, and for each layer the numbers of `gallery_numbers`; of `answer_numbers`, if the classes of the images
        are known; `within`, the class; and `matters`, for each unit its examples, with `contribution` and the class that is `predicted`.

    Raises:
        ValueError: activations are not numbers; there is no image of the class `within`; or, for `matters`, the model has no classes.
    """
    found = layer_galleries(model, layers, maps=maps, seed=seed, within=within, matters=matters)
    pictures = {picture_name("gallery", layer): picture for layer, each in found.items() if (picture := each.picture()) is not None}
    return Figure("gallery", pictures, {layer: each.numbers for layer, each in found.items()})
