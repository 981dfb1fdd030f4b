"""Activations to project: examples, units, positions."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# Names of the spatial axes.
AXES = {1: ("step",), 2: ("row", "column"), 3: ("slice", "row", "column")}


class Targets(NamedTuple):
    """Activations to project.

    Attributes:
        examples: int32 `(M,)`, image of the recording.
        units: int32 `(M,)`, feature map or dense unit.
        positions: int32 `(M, 2)`, row and column in the map, or a number for each spatial axis; `(M, 0)` for dense units.
        strengths: float `(M,)`, the activations.
    """

    examples: np.ndarray
    units: np.ndarray
    positions: np.ndarray
    strengths: np.ndarray

    def chunks(self, rows: int) -> Iterator[tuple[int, "Targets"]]:
        """Parts of `rows`, 8 or 1 activations, each with the number of its activations that count.

        So only three sizes are ever compiled. If 2 to 7 are left, the last is repeated.
        """
        start, total = 0, len(self.units)
        while start < total:
            left = total - start
            size = next(size for size in (rows, min(rows, 8), 1) if left >= size or (size <= 8 and left > 1))
            chosen = np.minimum(np.arange(start, start + size), total - 1)
            yield min(size, left), Targets(*(numbers[chosen] for numbers in self))
            start += size


class Places(NamedTuple):
    """Places of activations to project: `Targets` whose strengths are not known yet.

    Attributes:
        examples, units: int64 `(M,)`.
        positions: int64 `(M, spatial axes)`: two for images, none for dense units; None for the strongest position of each map.
    """

    examples: np.ndarray
    units: np.ndarray
    positions: np.ndarray | None

    def targets(self, rows: np.ndarray, activations: np.ndarray, first: int = 0) -> Targets:
        """The targets of some rows; `activations`, `(n, h, w, units)` or `(n, units)`, are those of their images, from `first` on."""
        examples, units = self.examples[rows] - first, self.units[rows]
        if self.positions is None:
            sizes = activations.shape[1:-1]
            maps = activations[examples, ..., units].reshape(len(units), math.prod(sizes))
            positions = np.stack(np.unravel_index(maps.argmax(1), sizes), axis=1)
        else:
            positions = self.positions[rows]
        strengths = activations[(examples, *positions.T, units)]
        return Targets(examples.astype(np.int32), units.astype(np.int32), positions.astype(np.int32), strengths)


def find_places(
    shape: tuple[int, ...], layer: str, unit: ArrayLike, position: ArrayLike | None = None, example: ArrayLike | None = None
) -> Places:
    """Checks and completes the arguments of `Recording.project`, which describes them and the errors.

    `shape` is that of the layer's activations, `(N, h, w, units)` or `(N, units)`; its name `layer` is for errors.
    """
    if len(shape) < 2:
        raise ValueError(f"Layer {layer!r} has an output of shape {shape[1:]}; projections start from maps or dense units.")
    count = shape[0]
    units, examples = _integers("unit", unit), np.arange(count) if example is None else _integers("example", example)
    wanted = (count,) if example is None else (max(units.size, examples.size) if units.size and examples.size else 0,)
    units, examples = _one_each("unit", units, wanted), _one_each("example", examples, wanted)
    _check_range("unit", units, shape[-1], layer)
    _check_range("example", examples, count, layer)
    if len(shape) == 2:
        if position is not None:
            raise ValueError(f"Layer {layer!r} is dense: its units have no position, but position is {position}.")
        return Places(examples, units, np.zeros((len(units), 0), np.int64))
    if position is None:
        return Places(examples, units, None)
    positions = _one_each("position", _integers("position", position), (len(units), len(shape) - 2))
    for axis, name in enumerate(AXES.get(len(shape) - 2) or [f"place {axis}" for axis in range(len(shape) - 2)]):
        _check_range(name, positions[:, axis], shape[1 + axis], layer)
    return Places(examples, units, positions)


def _integers(name: str, numbers: ArrayLike) -> np.ndarray:
    numbers = np.asarray(numbers)
    if not np.issubdtype(numbers.dtype, np.integer) and numbers.size:
        raise ValueError(f"{name} is {numbers}, of type {numbers.dtype}; expected whole numbers.")
    return numbers.astype(np.int64)


def _one_each(name: str, numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(numbers, shape)
    except ValueError:
        raise ValueError(f"{name} has the shape {numbers.shape}; expected one for all, or {shape}, one for each projection.") from None


def _check_range(name: str, numbers: np.ndarray, count: int, layer: str) -> None:
    wrong = numbers[(numbers < 0) | (numbers >= count)]
    if wrong.size:
        raise ValueError(f"There is no {name} {wrong[0]} in layer {layer!r}; it has {name}s 0 to {count - 1}.")
