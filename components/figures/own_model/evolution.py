"""The evolution of features of any Keras model, by one call."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from zfnet.components.figures.evolution.column import chosen_maps
from zfnet.components.figures.evolution.draw import check_same_layers, draw_evolution, search_moments
from zfnet.components.figures.evolution.first_found import same_features
from zfnet.components.figures.given_images import GivenImages, image_set
from zfnet.components.figures.given_model import GivenModel, given_deconvnet
from zfnet.components.figures.units import checked_units
from zfnet.components.pictures.figure import Figure

EVOLVING_MAPS = 6  # Zeiler & Fergus 2013, Fig. 4.


def evolution(
    models: Sequence[GivenModel] | Mapping[str, GivenModel],
    images: GivenImages,
    layer: str,
    *,
    units: Sequence[int] | None = None,
    maps: int = EVOLVING_MAPS,
    seed: int = 0,
    preprocessing: str | None = None,
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws how feature maps develop while a model trains: their strongest activations, projected (Zeiler & Fergus 2013, Fig. 4).

    Args:
        models: the model at several moments, in order: the files that `keras.callbacks.ModelCheckpoint` wrote, for example; or a dict of
            models by their titles.
        images: as in `gallery`.
        layer: name of a layer.
        units: feature maps or dense units to draw; None draws the `maps` that differ most at the last moment, out of twice as many random
            ones.
        maps: how many to draw if `units` is None.
        seed: decides which maps are drawn.
        preprocessing: as in `gallery`.
        unsupported: as in `gallery`.
        rules: as in `gallery`.

    Returns:
        One picture with a row for each map and a column for each moment, and the numbers of every activation drawn. Below the number of a
        map is the first moment at which any map correlated with it more than chance explains (see `match`): the same feature, earlier.

    Raises:
        ValueError: as in `gallery`; or there are fewer than two models, or they differ in more than weights.

    Examples:
        >>> evolution({"untrained": model, "trained": model}, images, "conv3", units=[0, 7]).numbers["columns"]
        ['untrained', 'trained']
    """
    models = models if isinstance(models, Mapping) else dict(zip(_titles(models), models, strict=True))
    if len(models) < 2:
        raise ValueError(f"There is {len(models)} model; expected the same net at two moments of a training or more.")
    moments = {title: given_deconvnet(model, preprocessing, unsupported, rules) for title, model in models.items()}
    first = next(iter(moments.values()))
    count = first.graph.unit_count(layer)
    check_same_layers(moments, [layer])
    chosen = chosen_maps(count, 2 * maps, seed) if units is None else checked_units(units, layer, count)
    given = image_set(first.model, images)
    columns, same = search_moments(moments.items, given, {layer: chosen}, maps, [] if units is None else [layer])
    last = list(columns.values())[-1]
    features = same_features(moments.items, list(moments.values())[-1], given, {layer: last[layer].maps})
    return draw_evolution(columns, same, given.origins.ids, features)


def _titles(models: Sequence[GivenModel]) -> list[str]:
    """The names of the files, or numbers if these are not all different."""
    names = ["" if isinstance(model, keras.Model) else pathlib.PurePath(model).stem for model in models]
    return names if all(names) and len(set(names)) == len(names) else [str(number) for number in range(1, len(names) + 1)]
