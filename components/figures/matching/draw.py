"""Matched maps of two networks side by side, and how well all maps of a layer match."""

from collections.abc import Sequence

import numpy as np

from zfnet.components.figures.gallery.answers import NOTE
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery import GalleryModel, layer_galleries
from zfnet.components.figures.given_images import GivenImages, image_set
from zfnet.components.figures.given_model import GivenModel, given_deconvnet
from zfnet.components.figures.matching.matches import LayerMatches, match_layers
from zfnet.components.pictures.chart import chart_picture, new_chart, plain
from zfnet.components.pictures.figure import Figure, picture_name
from zfnet.components.pictures.sheet import side_by_side, with_note

MAPS = 9
PANEL, HEIGHT = 320, 330  # Pixels of a panel of the chart.
BETWEEN = (
    "Correlation of the activations of both maps, place by place, over the same images. If another map is named with a higher correlation, "
    "it is more alike, but has another partner."
)
FOUND, CHANCE, LINE = "#1f4e79", "#9a9a9a", "#c0392b"


def draw_matches(models: Sequence[GalleryModel], found: Sequence[LayerMatches], maps: int = MAPS) -> Figure:
    """Draws maps of one network beside the maps of another that belong to them, and a chart of all correlations.

    For each layer it draws `maps` maps, from the best match to the worst, evenly spread over the order of their correlations: each with its
    nine strongest activations, projected, beside its partner with the same. The chart has, for each layer, the best correlation of every
    map with any map of the other network, in order, and the same after the other's weights are shuffled.

    Args:
        models: both networks, over the same images.
        found: the matches of each pair of layers.
        maps: maps of a layer to draw.

    Returns:
        Pictures `match`, the chart, and `match_<layer>`, named after the first network's layer (`match_<layer>~<other layer>` if the other
        has another name). The numbers have `models`, and as `layers` those of `LayerMatches.numbers` with the maps that are `drawn`.
    """
    pictures, layers = {"match": _chart(models, found)}, []
    for model, place in zip(models, (0, 1), strict=True):
        model.search.strongest(list(dict.fromkeys(each.layers[place] for each in found)))  # One pass for all layers.
    for each in found:
        one, other = each.layers
        units = _spread(each, maps)
        if units:
            pictures[picture_name("match", one if one == other else f"{one}~{other}")] = _beside(models, each, units)
        layers.append(each.numbers() | {"drawn": units})
    about = [{"name": model.name, **model.about} for model in models]
    return Figure("match", pictures, {"pictures": [f"{name}.png" for name in pictures], "models": about, "layers": layers})


def _spread(found: LayerMatches, maps: int) -> list[int]:
    """Maps with a partner, from the best match to the worst."""
    known = np.flatnonzero(np.isfinite(found.matches.correlations))
    order = known[np.argsort(-found.matches.correlations[known], kind="stable")]
    places = np.linspace(0, len(order) - 1, min(maps, len(order))).round().astype(int)
    return order[places].tolist()


def _beside(models: Sequence[GalleryModel], found: LayerMatches, units: list[int]) -> np.ndarray:
    partners = found.matches.pairs[units].tolist()
    galleries, headings = [], []
    for model, layer, shown in zip(models, found.layers, (units, partners), strict=True):
        galleries.append(layer_galleries(model._replace(named={layer: shown}), [layer], maps=len(shown), seed=0)[layer])
        headings.append({unit: galleries[-1].headings.get(unit, f"{layer}, {unit}: never positive") for unit in shown})
    for unit, partner in zip(units, partners, strict=True):
        headings[1][partner] = f"{judged(found, unit)}: {headings[1][partner]}"
    # One height, so that partners are in line.
    height = max((each.tiles.height(names) for each, names in zip(galleries, headings, strict=True) if each.tiles), default=None)
    both = zip(galleries, headings, strict=True)
    sheets = [each.tiles.sheet(names, 1, height) if each.tiles else None for each, names in both]
    drawn = side_by_side(sheets, [f"{model.name}, {layer}" for model, layer in zip(models, found.layers, strict=True)])
    drawn = with_note(drawn, BETWEEN)
    return with_note(drawn, NOTE) if "answers" in galleries[0].numbers else drawn


def judged(found: LayerMatches, unit: int) -> str:
    """The correlation of a map with its partner, in words; if it is no match, also the map that is, though it has another partner."""
    value, best = (each[unit] for each in (found.matches.correlations, found.matches.best_correlations))
    if value > found.threshold:
        return f"correlation {value:.2f}"
    return f"correlation {value:z.2f}, " + (f"map {found.matches.best[unit]} has {best:.2f}" if best > found.threshold else "no match")


def _chart(models: Sequence[GalleryModel], found: Sequence[LayerMatches]) -> np.ndarray:
    figure, axes = new_chart(1, len(found), PANEL * len(found), HEIGHT)
    for axis, each in zip(axes[0], found, strict=True):
        for values, colour, label in (
            (each.matches.best_correlations, FOUND, "trained"),
            (each.chance, CHANCE, "weights shuffled"),
        ):
            known = np.sort(values[np.isfinite(values)])[::-1]
            axis.plot(np.linspace(0, 100, len(known)), known, color=colour, label=label)
        axis.axhline(each.threshold, color=LINE, linewidth=1, linestyle="--", label="match above this")
        axis.set_ylim(0, 1)
        axis.xaxis.set_major_formatter(lambda value, place: f"{value:.0f} %")
        matched, lacking = len(each.maps(True)), len(each.maps(False))
        axis.set_title(plain(f"{' ~ '.join(dict.fromkeys(each.layers))}: {matched} of {matched + lacking} maps", 40), fontsize=10)
        axis.set_xlabel("maps, best match first")
    axes[0, 0].set_ylabel("highest correlation with a map")
    axes[0, 0].legend(loc="upper right", fontsize=8)
    names = [plain(model.name, 40) for model in models]
    figure.suptitle(f"Maps of {names[0]} with a match in {names[1]}", x=0.01, ha="left", fontsize=11)
    return chart_picture(figure)


def match(
    model: GivenModel,
    other: GivenModel,
    images: GivenImages,
    layer: str,
    other_layer: str | None = None,
    *,
    maps: int = MAPS,
    seed: int = 0,
    preprocessing: str | None = None,
    unsupported: str = "error",
) -> Figure:
    """Draws which feature map of one network is which of another, by the correlation of their activations over the same images.

    The networks may differ in seed, in architecture, or in the epoch of the training. Maps are compared place by place, and matched one to
    one, so that the sum of the correlations is greatest. A map has a match if its best correlation is above 0.5, and above the correlation
    that only one map in twenty reaches after the other's weights are shuffled.

    Args:
        model: as in `zfnet.gallery`.
        other: another model, as in `zfnet.gallery`.
        images: as in `zfnet.gallery`; an array if both take images of one size.
        layer: name of a layer.
        other_layer: name of the other model's layer; None takes the one of the same name.
        maps: how many to draw, from the best match to the worst.
        seed: decides how weights are shuffled.
        preprocessing: as in `zfnet.gallery`, for both.
        unsupported: as in `Deconvnet`, for both.

    Returns:
        A chart of all correlations, and a picture of pairs. The numbers have partner and correlation of every map, and the maps
        `without_match`.

    Raises:
        ValueError: as in `zfnet.gallery`; or one layer has maps and the other dense units.

    Examples:
        >>> figure = match(model, zfnet.build("zfnet-small", (96, 96, 3), 5, seed=2), images, "conv3", maps=2)
        >>> list(figure.pictures), len(figure.numbers["layers"][0]["maps"])
        (['match', 'match_conv3'], 192)
    """
    one, two = (given_deconvnet(each, preprocessing, unsupported) for each in (model, other))
    searches = [ExampleSearch(each, image_set(each.model, images)) for each in (one, two)]
    found = match_layers(one, two, (searches[0].images, searches[1].images), [(layer, other_layer or layer)], seed=seed)
    return draw_matches([GalleryModel(*each) for each in zip(searches, ("model", "other"), strict=True)], found, maps)
