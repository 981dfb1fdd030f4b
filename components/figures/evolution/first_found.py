"""The first moment of a training at which the network had a feature of its end, in whichever map."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.matching.matches import LEAST, match_threshold, same_images
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.map_matches import map_correlations, match_maps
from zfnet.model.measures.shuffled_weights import shuffled_kernels


class SameFeature(NamedTuple):
    """The map of one moment that correlates most with a map of the last moment, and the correlation; -1 and NaN for a constant map."""

    map: int
    correlation: float


class LayerFeatures(NamedTuple):
    """For each of some maps of the last moment, by its number, the most similar map of every moment, by its title.

    `threshold` is the correlation above which both are the same feature, see `match_threshold`.
    """

    threshold: float
    maps: dict[int, dict[str, SameFeature]]

    def first_found(self, number: int) -> str | None:
        """Title of the first moment at which any map is the same feature; None for a constant map, or one that is not known.

        Examples:
            >>> maps = {7: {"untrained": SameFeature(3, 0.2), "epoch 1": SameFeature(9, 0.7), "epoch 2": SameFeature(7, 1.0)}}
            >>> LayerFeatures(0.5, maps).first_found(7)
            'epoch 1'
        """
        return next((title for title, each in self.maps.get(number, {}).items() if each.correlation > self.threshold), None)

    def numbers(self) -> dict[str, Any]:
        """The same as JSON holds it: the `threshold`, and for each of `maps` when it was `first_found`, and the map of each moment."""
        maps = {
            str(number): {
                "first_found": self.first_found(number),
                "same_feature": [
                    {"column": title, "map": each.map, "correlation": round(each.correlation, 4)}
                    if each.map >= 0
                    else {"column": title, "map": None}
                    for title, each in of_map.items()
                ],
            }
            for number, of_map in self.maps.items()
        }
        return {"threshold": round(self.threshold, 4), "maps": maps}


def same_features(
    moments: Callable[[], Iterable[tuple[str, Deconvnet]]], last: Deconvnet, images: ImageSet, maps: Mapping[str, ArrayLike]
) -> dict[str, LayerFeatures]:
    """Finds, at each moment of a training, the map that correlates most with each of some maps of its end.

    A feature may begin in another map than the one that it ends in, and the strongest example of a map may change while its feature stays.
    Chance is the correlation of the last network with the latest other one, after the other's weights are shuffled.

    Args:
        moments: as in `search_evolution`.
        last: the net of the last moment, in another model than those of the moments before.
        images: the images over which the maps are correlated.
        maps: for each layer the maps of the last moment.
    """
    wanted = {layer: np.asarray(numbers).tolist() for layer, numbers in maps.items()}
    found: dict[str, dict[int, dict[str, SameFeature]]] = {layer: {unit: {} for unit in units} for layer, units in wanted.items()}
    pairs, other = [(layer, layer) for layer in wanted], None
    for title, deconvnet in moments():
        other = other if deconvnet.model is last.model else deconvnet
        for layer, values in zip(wanted, map_correlations(last, deconvnet, same_images(images, images, title), pairs), strict=True):
            matches = match_maps(values)
            for unit in wanted[layer]:
                found[layer][unit][title] = SameFeature(int(matches.best[unit]), float(matches.best_correlations[unit]))
    thresholds = dict.fromkeys(wanted, LEAST)
    if other is not None:
        with shuffled_kernels(other.model):
            chance = map_correlations(last, other, same_images(images, images, "Shuffled weights"), pairs)
        thresholds = {layer: match_threshold(match_maps(values).best_correlations) for layer, values in zip(wanted, chance, strict=True)}
    return {layer: LayerFeatures(thresholds[layer], of_layer) for layer, of_layer in found.items()}
