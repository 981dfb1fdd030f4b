"""The maps of two networks that belong together, and the correlation that chance reaches."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from zfnet.components.figures.images import ImageSet
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.map_matches import Matches, map_correlations, match_maps
from zfnet.model.measures.shuffled_weights import shuffled_kernels

# Percentile of the best correlations with shuffled weights above which a correlation is a match, and the least correlation of a match.
PERCENTILE, LEAST = 95, 0.5


class LayerMatches(NamedTuple):
    """The maps of one network's layer, and those of another that belong to them.

    Attributes:
        layers: names of the layer, and of the other network's.
        matches: as in `match_maps`.
        chance: float64 `(maps,)`, the best correlation of each map with the other network, after its weights are shuffled; NaN for maps
            that are constant.
    """

    layers: tuple[str, str]
    matches: Matches
    chance: np.ndarray

    @property
    def threshold(self) -> float:
        """Correlation above which a map has a match, see `match_threshold`."""
        return match_threshold(self.chance)

    def maps(self, matched: bool) -> list[int]:
        """Maps whose best correlation is above the threshold, or those below; without maps that are constant."""
        best = self.matches.best_correlations
        return np.flatnonzero(np.isfinite(best) & ((best > self.threshold) == matched)).tolist()

    def numbers(self) -> dict[str, Any]:
        """The numbers as JSON holds them, rounded to four digits; None where a map has no partner.

        Returns:
            `layers`, `threshold`, `chance`, the share of maps with a match as `matched`, the maps `without_match`, the `constant` ones, and
            `maps`: for each its `partner` and their `correlation`, and the map of the other that is `best`, with `best_correlation`.
        """
        found = self.matches
        columns = (found.pairs, found.correlations, found.best, found.best_correlations)
        names = ("partner", "correlation", "best", "best_correlation")
        rows = [dict(zip(names, (_number(each) for each in row), strict=True)) for row in zip(*columns, strict=True)]
        living = len(self.maps(True)) + len(self.maps(False))
        return {
            "layers": list(self.layers),
            "threshold": round(self.threshold, 4),
            "chance": [_number(each) for each in self.chance],
            "matched": round(len(self.maps(True)) / max(living, 1), 4),
            "without_match": self.maps(False),
            "constant": np.flatnonzero(found.best < 0).tolist(),
            "maps": {str(number): row for number, row in enumerate(rows)},
        }


def match_threshold(chance: np.ndarray) -> float:
    """Correlation above which a map has a match: 0.5, or more if one map in twenty reaches more by chance, `(maps,)`; NaN is left out.

    Examples:
        >>> match_threshold(np.array([0.1, 0.2, 0.3])), match_threshold(np.array([0.9, 0.9, np.nan]))
        (0.5, 0.9)
    """
    known = chance[np.isfinite(chance)]
    return max(LEAST, float(np.percentile(known, PERCENTILE)) if len(known) else 0.0)


def _number(value: np.number) -> int | float | None:
    if isinstance(value, np.integer):
        return int(value) if value >= 0 else None
    return round(float(value), 4) if np.isfinite(value) else None


def match_layers(
    one: Deconvnet,
    other: Deconvnet,
    images: tuple[ImageSet, ImageSet],
    layers: Sequence[tuple[str, str]],
    title: str = "Comparing",
    seed: int = 0,
) -> list[LayerMatches]:
    """Matches the maps of two networks over the same images, and again after the other's weights are shuffled.

    Args:
        images: the same, in the layout of each network.
        layers: pairs of names, a layer of one and a layer of the other.
        title: of the progress bar.
        seed: of the shuffling.

    Raises:
        ValueError: both share weights, or do not get the same images; otherwise as in `map_correlations`.
    """
    if {id(weight) for weight in one.model.weights} & {id(weight) for weight in other.model.weights}:
        raise ValueError(
            "Both networks are one model in memory, or share layers; expected two, such as two files, or `keras.models.clone_model` of one."
        )
    found = map_correlations(one, other, same_images(*images, title), layers)
    with shuffled_kernels(other.model, seed):
        chance = map_correlations(one, other, same_images(*images, f"{title} with shuffled weights"), layers)
    return [
        LayerMatches(pair, match_maps(values), match_maps(null).best_correlations)
        for pair, values, null in zip(layers, found, chance, strict=True)
    ]


def same_images(one: ImageSet, other: ImageSet, title: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the same images for two networks, whose batches may have different sizes.

    Raises:
        ValueError: the images are not the same, by their ids.
    """
    if list(one.origins.ids) != list(other.origins.ids):
        counts = " and ".join(f"{len(each.origins.ids)} ({each.name})" for each in (one, other))
        raise ValueError(f"The networks get different images: {counts}; expected the same ones, in the same order.")
    streams = one.batches(title, None), other.batches("", None)
    parts: list[Any] = [(np.zeros(0), np.zeros(0, int))] * 2
    while True:
        parts = [part if len(part[1]) else next(stream, None) for stream, part in zip(streams, parts, strict=True)]
        if any(part is None for part in parts):
            return
        count = min(len(numbers) for _, numbers in parts)
        if (parts[0][1][:count] != parts[1][1][:count]).any():
            raise ValueError("The networks get images in different orders; expected the same order.")
        yield parts[0][0][:count], parts[1][0][:count]
        parts = [(images[count:], numbers[count:]) for images, numbers in parts]
