"""The picture of the most confidently mistaken examples, each beside projections of the wrong class and of the right one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfnet.components.figures.gallery.example_search import ExampleSearch, distinct_places
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.projected_activation import signed_scale, signed_to_rgb
from zfnet.components.pictures.sheet import end_of, resize_tile, sheet, side_by_side
from zfnet.model.measures.class_probabilities import class_layer

SHOWN, COLUMN = 12, 6  # Examples that are drawn, and those below each other.
TILE = 192  # Side of a picture, in pixels.
LONGEST = 26  # Characters of an id.


def draw_mistakes(search: ExampleSearch, mistakes: Sequence[Mapping[str, Any]]) -> Figure:
    """Draws the first twelve mistaken examples, and the deconvnet's projections of the predicted class and of the true one.

    If pieces of one photograph overlap, only the first is drawn. The projections begin at the logits, the activations before the softmax.
    Both of a row have the same scale, so that their strengths compare; 0 is grey. They hardly depend on the class (Nie et al. 2018), and a
    negative logit shows evidence against its class.

    Args:
        search: the model, and the examples that were evaluated.
        mistakes: as in `evaluation.json`, most confident first: `{"id", "class", "predicted", "probability", "probability_of_class"}`.

    Returns:
        The picture `mistakes`. The numbers have the entries that are drawn, with the two logits and the scale.

    Raises:
        ValueError: there is no such example or class, or the model has no classes.

    Examples:
        >>> from zfnet.components.figures.images import ImageSet
        >>> search = ExampleSearch(deconvnet, ImageSet.of_examples(model, examples))
        >>> wrong = {"class": "ant", "predicted": "bee", "probability": 0.9, "probability_of_class": 0.1}
        >>> draw_mistakes(search, [wrong | {"id": search.images.origins.ids[0]}]).pictures["mistakes"].shape[2]
        3
    """
    images, deconvnet = search.images, search.deconvnet
    layer = class_layer(deconvnet)
    if layer is None:
        raise ValueError(f"The model {deconvnet.model.name!r} has no classes; expected the model that was evaluated.")
    named = {each["id"] for each in mistakes}  # Not the number of every example.
    numbers = {name: number for number, name in enumerate(images.origins.ids) if name in named}
    labels = {name: number for number, name in enumerate(images.labels)}
    if missing := [each["id"] for each in mistakes if each["id"] not in numbers]:
        raise ValueError(f"There is no example {missing[0]!r}; expected the examples that were evaluated.")
    if unknown := [each[key] for each in mistakes for key in ("class", "predicted") if each[key] not in labels]:
        raise ValueError(f"There is no class {unknown[0]!r}; expected the classes of the examples that were evaluated.")
    places = [numbers[each["id"]] for each in mistakes]
    chosen = distinct_places([images.origins.photographs[number] for number in places], images.origins.boxes[places], SHOWN)
    shown = [mistakes[place] for place in chosen]
    found = {
        int(number): image
        for batch, read in images.batches("Reading mistakes", {places[place] for place in chosen})
        for image, number in zip(batch, read, strict=True)
    }
    tiles: list[np.ndarray] = []
    headings: list[str] = []
    drawn = []
    for each in shown:
        image = np.asarray(found[numbers[each["id"]]])[None]
        units = [labels[each["predicted"]], labels[each["class"]]]
        recording = deconvnet.record(image, [layer])
        projections = images.image_input.pictures(recording.project(layer, units, example=[0, 0]))
        scale = signed_scale(projections).max()
        photograph = np.clip(np.rint(images.image_input.pictures(image)), 0, 255).astype(np.uint8)
        tiles += [resize_tile(picture, TILE) for picture in (*photograph, *signed_to_rgb(projections, np.full(2, scale)))]
        headings += [
            end_of(each["id"], LONGEST),
            f"predicted, {each['probability']:.1%}: {each['predicted']}",
            f"true, {each['probability_of_class']:.1%}: {each['class']}",
        ]
        logits = np.asarray(recording.activations(layer))[0, units]
        drawn.append(dict(each) | {"logit": float(logits[0]), "logit_of_class": float(logits[1]), "scale": float(scale)})
    starts = range(0, len(shown), COLUMN)
    sheets = [sheet(tiles[3 * start : 3 * (start + COLUMN)], headings[3 * start : 3 * (start + COLUMN)], 3) for start in starts]
    titles = [f"Most confident mistakes, {start + 1} to {min(start + COLUMN, len(shown))}" for start in starts]
    return Figure("mistakes", {"mistakes": side_by_side(sheets, titles)}, {"pictures": ["mistakes.png"], "layer": layer, "mistakes": drawn})
