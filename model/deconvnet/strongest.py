"""What a search for the strongest activations of a layer has found so far, on one worker or on several."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Strongest:
    """The `k` strongest activations of each unit of a layer, best first; at most one of each image.

    Attributes:
        values: float32 `(units, k)`; -inf where there are fewer than `k`.
        examples: int64 `(units, k)`, ids of the images; -1 where there is none.
        positions: int32 `(units, k, 2)`, row and column in the map; `(units, k, 0)` of a dense layer; -1 where there is none.
    """

    values: np.ndarray
    examples: np.ndarray
    positions: np.ndarray

    @classmethod
    def none(cls, units: int, k: int, axes: int) -> Strongest:
        """Of no image at all; `axes` is 2 for feature maps, 0 for dense units."""
        return cls(np.full((units, k), -np.inf, np.float32), np.full((units, k), -1, np.int64), np.full((units, k, axes), -1, np.int32))

    def of(self, units: np.ndarray) -> Strongest:
        """The strongest activations of some units."""
        return Strongest(self.values[units], self.examples[units], self.positions[units])

    def replaced(self, units: np.ndarray, other: Strongest) -> Strongest:
        """A copy in which some units have other strongest activations."""
        copy = Strongest(self.values.copy(), self.examples.copy(), self.positions.copy())
        copy.values[units], copy.examples[units], copy.positions[units] = other.values, other.examples, other.positions
        return copy

    def merge(self, other: Strongest) -> Strongest:
        """The strongest of both, in whatever order they are merged: of equals, the lower id comes first."""
        values = np.concatenate([self.values, other.values], axis=1)
        examples = np.concatenate([self.examples, other.examples], axis=1)
        positions = np.concatenate([self.positions, other.positions], axis=1)
        order = np.lexsort((examples, -values), axis=1)[:, : self.values.shape[1]]
        return Strongest(
            np.take_along_axis(values, order, 1),
            np.take_along_axis(examples, order, 1),
            np.take_along_axis(positions, order[:, :, None], 1),
        )
