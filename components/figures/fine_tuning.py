"""How fine-tuning changed a network: its features before and after, and the distance that each layer's weights moved."""

import dataclasses

import keras
import numpy as np

from zfnet.components.figures.evolution.column import chosen_maps
from zfnet.components.figures.evolution.draw import draw_evolution, search_moments
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.layers import default_layers
from zfnet.components.pictures.chart import chart_picture, new_chart
from zfnet.components.pictures.figure import Figure
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.net.layers import MeanImage

NAME = "fine_tuning"
BEFORE, AFTER = "before", "after"
MAPS = 6
# Pixels of the chart: its width, and the height of each layer's bar and of the rest.
WIDTH, BAR, REST = 640, 28, 110


def draw_fine_tuning(search: ExampleSearch, before: keras.Model, seed: int, maps: int = MAPS) -> Figure:
    """Draws the same feature maps before and after a training, at their strongest activations and on the same patches.

    Args:
        search: the trained net, and the images to search.
        before: the net before its first training step: the weights of its start, and a new classifier.
        seed: decides from which maps of a layer those are chosen that differ most.
        maps: number of maps of a layer.

    Returns:
        Pictures `fine_tuning_weights`, a chart of `weight_changes`, and `fine_tuning_<layer>` as in `draw_evolution`, with the columns
        `before` and `after`. The numbers are those of both.

    Raises:
        ValueError: an activation is not a number.
    """
    deconvnet = search.deconvnet
    chosen = {layer: chosen_maps(deconvnet.graph.unit_count(layer), 2 * maps, seed) for layer in default_layers(deconvnet)}
    moments = {BEFORE: Deconvnet(before), AFTER: deconvnet}
    columns, same = search_moments(moments.items, search.images, chosen, maps)
    drawn, changes = draw_evolution(columns, same, search.images.origins.ids), weight_changes(before, deconvnet.model)
    pictures = {name.replace(drawn.name, NAME, 1): picture for name, picture in drawn.pictures.items()}
    pictures = {f"{NAME}_weights": _chart(changes)} | pictures
    numbers = drawn.numbers | {"pictures": [f"{name}.png" for name in pictures], "weight_changes": changes}
    return dataclasses.replace(drawn, name=NAME, pictures=pictures, numbers=numbers)


def weight_changes(before: keras.Model, after: keras.Model) -> dict[str, float]:
    """Measures how far the kernel of each layer moved, relative to its length: the norm of the difference over the norm before.

    Both models have the same layers. The result has the layers with weights in their order, from the image upwards; 0 is a layer that did
    not change.

    Examples:
        >>> def net(start):
        ...     return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer=start, name="fc6")])
        >>> weight_changes(net("ones"), net("zeros"))
        {'fc6': 1.0}
    """
    changes = {}
    for layer in after.layers:
        if layer.weights and not isinstance(layer, MeanImage):
            one, other = (np.asarray(model.get_layer(layer.name).get_weights()[0], np.float64) for model in (before, after))
            changes[layer.name] = float(np.linalg.norm(other - one) / max(np.linalg.norm(one), np.finfo(float).tiny))
    return changes


def _chart(changes: dict[str, float]) -> np.ndarray:
    figure, axes = new_chart(1, 1, WIDTH, REST + BAR * len(changes))
    (axis,) = axes[0]
    names, values = list(changes)[::-1], list(changes.values())[::-1]
    bars = axis.barh(names, values, height=0.7)
    axis.bar_label(bars, [f"{value:.0%}" if value >= 0.1 or not value else f"{value:.1%}" for value in values], padding=4)
    axis.set_xlim(0, max(*values, 1e-3) * 1.12)
    axis.xaxis.set_major_formatter(lambda value, place: f"{value:.0%}")
    axis.grid(axis="y", visible=False)
    axis.set_title("Change of each layer's weights; the classifier began anew")
    axis.set_xlabel("length of the change, relative to the weights before")
    return chart_picture(figure)
