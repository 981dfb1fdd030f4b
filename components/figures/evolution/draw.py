"""The evolution of features, searched in the checkpoints of a training: a row for each feature map, a column for each moment."""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from zfnet.components.artifacts import Examples
from zfnet.components.figures.evolution.column import Columns, EvolutionColumn, SamePlaces, evolution_column, same_places, searched
from zfnet.components.figures.evolution.first_found import LayerFeatures
from zfnet.components.figures.images import ImageSet
from zfnet.components.pictures.figure import Figure, picture_name
from zfnet.components.pictures.sheet import BACKGROUND, GAP, HEADING, INK, cut_text, resize_tile
from zfnet.model.deconvnet.deconvnet import Deconvnet

# Sides of a projection, in pixels: of up to six moments, and of more. A patch below it has half of that.
TILES, FEW = (112, 84), 6
MARGIN = 72  # For the numbers of the maps, in pixels.
BETWEEN = 3 * GAP  # Columns, and rows.
APART = 40  # The two halves.
FAINT, QUIET = (150, 150, 150), (110, 110, 110)
# Headings of the halves, and shorter ones for few moments.
HALVES = "(a) where the map is strongest at that moment, with the patch", "(b) where it is strongest in the end: one patch at every moment"
SHORT_HALVES = "(a) strongest at that moment", "(b) one patch at every moment"


def drawn_columns(
    columns: Columns, photographs: Sequence[str], count: int, whole: Collection[str] = ()
) -> dict[str, dict[str, EvolutionColumn]]:
    """Chooses `count` maps of each layer among those that all moments have, see `different_maps`; all maps of the layers in `whole`."""
    chosen = {}
    for layer, end in (list(columns.values())[-1] if columns else {}).items():
        common = [number for number in end.maps if all(number in moment[layer].maps for moment in columns.values())]
        chosen[layer] = np.array(common) if layer in whole else different_maps(end.of(common), photographs, count)
    return {title: {layer: moment[layer].of(maps) for layer, maps in chosen.items()} for title, moment in columns.items()}


def different_maps(column: EvolutionColumn, photographs: Sequence[str], count: int) -> np.ndarray:
    """Chooses `count` maps of a column that a reader can distinguish; returns their numbers, in order.

    One after the other: a living map rather than a dead one, then one whose photograph is chosen least so far, then one whose projection
    correlates the least with those that are chosen; among equals, the first. `photographs` has the photograph of each example.
    """
    projections = column.projections.reshape(len(column.maps), -1).astype(np.float32) - 128
    projections /= np.maximum(np.linalg.norm(projections, axis=1, keepdims=True), 1e-6)
    alike = projections @ projections.T
    dead, origins = column.activations <= 0, [photographs[number] for number in column.examples]
    chosen: list[int] = []
    while len(chosen) < min(count, len(column.maps)):

        def order(row: int) -> tuple[bool, int, float]:
            repeated = sum(origins[row] == origins[other] for other in chosen)
            return bool(dead[row]), repeated, max((float(alike[row, other]) for other in chosen), default=0.0)

        chosen.append(min((row for row in range(len(column.maps)) if row not in chosen), key=order))
    return np.sort(column.maps[chosen])


def search_evolution(
    moments: Callable[[], Iterable[tuple[str, Deconvnet]]],
    examples: Examples,
    split: str,
    maps: Mapping[str, ArrayLike],
    count: int,
    whole: Collection[str] = (),
) -> tuple[dict[str, dict[str, EvolutionColumn]], dict[str, dict[str, SamePlaces]]]:
    """Projects the strongest activation of each map at each moment of a training, and its activation at the position of the last moment.

    Zeiler & Fergus 2013, section 4.1 and Fig. 4.

    Args:
        moments: gives title and net of each, in order, each time that it is called; one by one, so that one net may change its weights.
        examples: prepared for the nets' larger side.
        split: to search; its first examples, as many as in training (`searched`).
        maps: for each layer the maps to search, `(M,)` ints.
        count, whole: maps of a layer to draw, as in `drawn_columns`.

    Returns:
        The columns of the maps to draw, and `same_places`, by title and layer, as `draw_evolution` takes them.

    Raises:
        ValueError: an activation is not a number; the message names the moment.
    """
    first = next(iter(moments()))[1]
    images = ImageSet.of_examples(first.model, examples, split, searched(examples.count(split)))
    return search_moments(moments, images, maps, count, whole)


def search_moments(
    moments: Callable[[], Iterable[tuple[str, Deconvnet]]],
    images: ImageSet,
    maps: Mapping[str, ArrayLike],
    count: int,
    whole: Collection[str] = (),
) -> tuple[dict[str, dict[str, EvolutionColumn]], dict[str, dict[str, SamePlaces]]]:
    """Does what `search_evolution` does, over any images, all of which are searched."""
    columns, same = {}, {}
    for title, deconvnet in moments():
        try:
            columns[title] = evolution_column(deconvnet, functools.partial(images.batches, title), maps, images.image_input)
        except ValueError as error:
            raise ValueError(f"{title}: {error}") from error
    drawn = drawn_columns(columns, images.origins.photographs, count, whole)
    for title, deconvnet in moments():
        same[title] = same_places(deconvnet, functools.partial(images.batches, title), list(drawn.values())[-1], images.image_input)
    return drawn, same


def check_same_layers(deconvnets: Mapping[str, Deconvnet], layers: Iterable[str]) -> None:
    """Raises a ValueError if nets, by their names, differ in the size of their images or in one of the layers, which the first has."""
    (first, expected), *others = deconvnets.items()
    for name, deconvnet in others:
        if deconvnet.model.input_shape[1:] != expected.model.input_shape[1:]:
            raise ValueError(
                f"{first} takes images {expected.model.input_shape} and {name} {deconvnet.model.input_shape}; expected one net."
            )
        for layer in layers:
            if layer not in deconvnet.layers:
                raise ValueError(f"{name} has no layer {layer!r}, which {first} has; expected one net at several moments.")
            counts = expected.graph.unit_count(layer), deconvnet.graph.unit_count(layer)
            if counts[0] != counts[1]:
                raise ValueError(
                    f"Layer {layer!r} has {counts[0]} maps in {first} and {counts[1]} in {name}; expected one net at several moments."
                )


def draw_evolution(
    columns: Columns, same: Mapping[str, Mapping[str, SamePlaces]], ids: Sequence[str], features: Mapping[str, LayerFeatures] | None = None
) -> Figure:
    """Draws, for each layer, the features of some maps at several moments of the training, twice.

    On the left as Zeiler & Fergus 2013, Fig. 4: the strongest activation of each moment, projected, and below it its patch: "sudden jumps
    in appearance result from a change in the image from which the strongest activation originates" (section 4.1). On the right the image
    stays: the position of the last moment, at every moment. Each projection has its own scale; the number below it is the activation.

    Args:
        columns: for each moment, in order, and by its title, the columns by layer; those of one layer have the same maps.
        same: the same maps at the positions of the last moment, by title and layer; a missing moment is left blank.
        ids: ids of the examples that were searched, in order.
        features: for each map the most similar one of every moment (`same_features`): below its number is the first moment at which the
            network had this feature, in any map.

    Returns:
        Pictures `evolution_<layer>`, with a row for each map. The numbers have the titles as `columns`, and as `layers` the `window`
        (height and width in pixels) and for each map its activation at every moment, and at the `last_place`; and with `features` also
        `features`, those of `LayerFeatures.numbers`.
    """
    known, last = features or {}, list(columns.values())[-1] if columns else {}
    pictures = {
        picture_name("evolution", layer): _drawn(
            {title: moment[layer] for title, moment in columns.items()},
            {title: each[layer] for title, each in same.items()},
            known.get(layer),
        )
        for layer in last
    }
    layers = {
        layer: {
            "window": list(end.patches.shape[1:3]),
            "maps": {
                str(number): [
                    _entry(moment[layer], row, title, ids) | _last_place(same.get(title, {}).get(layer), row)
                    for title, moment in columns.items()
                ]
                for row, number in enumerate(end.maps.tolist())
            },
        }
        | ({"features": known[layer].numbers()} if layer in known else {})
        for layer, end in last.items()
    }
    return Figure("evolution", pictures, {"pictures": [f"{name}.png" for name in pictures], "columns": list(columns), "layers": layers})


def _drawn(columns: Mapping[str, EvolutionColumn], same: Mapping[str, SamePlaces], features: LayerFeatures | None) -> np.ndarray:
    end = list(columns.values())[-1]
    tile = TILES[len(columns) > FEW]
    step, row_step = tile + BETWEEN, tile + GAP + tile // 2 + 2 * BETWEEN
    top, right = 2 * GAP + 2 * HEADING, MARGIN + len(columns) * step - BETWEEN + APART
    size = right + (len(columns) + 1) * step, top + len(end.maps) * row_step
    picture = Image.new("RGB", size, BACKGROUND)
    draw, font, small = ImageDraw.Draw(picture), ImageFont.load_default(HEADING * 0.7), ImageFont.load_default(HEADING * 0.6)

    def paste(image: np.ndarray, side: int, left: int, upper: int) -> None:
        picture.paste(Image.fromarray(resize_tile(image, side)), (left, upper))

    def say(activation: float, left: int, upper: int) -> None:
        draw.text((left, upper), f"{activation:.3g}" if activation else "no answer", INK if activation else FAINT, small)

    is_narrow = MARGIN + font.getlength(HALVES[0]) > right or right + font.getlength(HALVES[1]) > size[0]
    for left, words in zip((MARGIN, right), SHORT_HALVES if is_narrow else HALVES, strict=True):
        draw.text((left, GAP), words, INK, font)
        for number, title in enumerate(columns):
            draw.text((left + number * step, GAP + HEADING), cut_text(title, font, step - GAP), INK, font)
    draw.text((right + len(columns) * step, GAP + HEADING), "patch", INK, font)
    for row, name in enumerate(end.maps):
        upper = top + row * row_step
        below = upper + tile + GAP
        draw.text((MARGIN - BETWEEN, upper + tile / 2), f"{'map' if end.positions.shape[1] else 'unit'} {name}", INK, font, anchor="rm")
        if features and (title := features.first_found(int(name))):
            for line, words in enumerate(("first found:", cut_text(title, small, MARGIN - BETWEEN)), start=1):
                draw.text((MARGIN - BETWEEN, upper + tile / 2 + line * HEADING * 0.8), words, QUIET, small, anchor="rm")
        for number, (title, moment) in enumerate(columns.items()):
            left = MARGIN + number * step
            paste(moment.projections[row], tile, left, upper)
            paste(moment.patches[row], tile // 2, left, below)
            say(float(moment.activations[row]), left + tile // 2 + 2 * GAP, below)
            if title in same:
                left = right + number * step
                paste(same[title].projections[row], tile, left, upper)
                say(float(same[title].activations[row]), left, below)
        paste(end.patches[row], tile, right + len(columns) * step, upper)
    return np.asarray(picture)


def _entry(column: EvolutionColumn, row: int, title: str, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "column": title,
        "activation": float(column.activations[row]),
        "example": ids[column.examples[row]],
        "position": column.positions[row].tolist(),
        "corner": column.corners[row].tolist(),
        "scale": float(column.scales[row]),
    }


def _last_place(same: SamePlaces | None, row: int) -> dict[str, Any]:
    return {} if same is None else {"last_place": {"activation": float(same.activations[row]), "scale": float(same.scales[row])}}
