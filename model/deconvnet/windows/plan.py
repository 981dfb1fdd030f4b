"""Plan of the way down: which values need only a window for one activation, and where it lies."""

import math
from typing import NamedTuple

from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.operation import Operation
from zfnet.model.deconvnet.rules.window import Window


class Place(NamedTuple):
    """Windows of a value that the units of a layer depend on, a number for each spatial axis; attributes as in `ReceptiveField`."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: tuple[int, ...]

    def below(self, window: Window, before: tuple[int, ...]) -> "Place":
        """Place in the input of an operation whose output has this one; `before` is the operation's padding before the first position."""
        if window.is_point:
            return self
        steps = window.strides
        stride = tuple(length * step for length, step in zip(self.stride, steps, strict=True))
        offset = tuple(start * step - pad for start, step, pad in zip(self.offset, steps, before, strict=True))
        return Place(window.span(self.size), stride, offset)

    def joined(self, other: "Place") -> "Place | None":
        """The smallest place around both; `None` if one moves by other steps than the other."""
        if self.stride != other.stride:
            return None
        offset = tuple(map(min, self.offset, other.offset))
        ends = map(max, self.ends, other.ends)
        return Place(tuple(end - start for start, end in zip(offset, ends, strict=True)), self.stride, offset)

    @property
    def ends(self) -> tuple[int, ...]:
        """Ends of the window of the unit at position 0."""
        return tuple(start + length for start, length in zip(self.offset, self.size, strict=True))


class Windows:
    """Windows of every value that one activation depends on, and which of them are worthwhile.

    A unit of ZFNet's conv5 depends on 3x3 positions of conv4, 5x5 of conv3, 7x7 of pool2 and so on: its projection is zero
    elsewhere. Where branches meet, the window is the smallest one around theirs. Values for which there is no such window are computed as
    whole maps, and so are all values below them.

    Attributes:
        operations: those that the signal comes through, from `value` down.
        places: windows of the values that are computed in windows: of none, or of `value` and others.
        possible: whether all values down to the inputs have windows, worthwhile or not.
        sources: numbers of the inputs that the signal reaches.
    """

    def __init__(self, graph: Graph, value: int, shapes: list[tuple[int, ...]]) -> None:
        self.value, self.shapes, self._dims = value, shapes, graph.dims
        self.operations, reached = _with_signal(graph, value)
        self.sources = sorted(reached.intersection(graph.inputs))
        found = self._find()
        self.possible = bool(self.operations) and reached <= found.keys()
        self._is_chain = all(len(operation.inputs) == 1 for operation in self.operations)
        self.places = self._choose(found) if self.operations and value in found else {}

    @property
    def largest(self) -> int:
        """Number of values of the largest window or map."""
        reached = [self.value, *(number for operation in self.operations for number in signal_inputs(operation))]
        return max(self._count(number, self.places.get(number)) for number in reached)

    def come_through(self, operation: Operation) -> bool:
        """Whether a window of the operation's output can be back-projected alone."""
        reach = operation.rule.reach
        known = reach is not None and len(reach.size) in (0, self._dims[self.value])
        return known and all(map(self._is_map, signal_inputs(operation)))

    def _find(self) -> dict[int, Place]:
        dims = self._dims[self.value]
        if not self._is_map(self.value) or not dims:
            return {}
        found: dict[int, Place | None] = {self.value: Place((1,) * dims, (1,) * dims, (0,) * dims)}
        for operation in self.operations:
            place, reach = found[operation.output], operation.rule.reach
            comes_through = self.come_through(operation)
            for number in signal_inputs(operation):
                new = None
                if place is not None and reach is not None and comes_through:
                    new = place.below(reach, reach.padding(self.shapes[number][:-1]))
                other = found.get(number, new)
                found[number] = None if new is None or other is None else new.joined(other)
        return {number: place for number, place in found.items() if place is not None}

    def _choose(self, found: dict[int, Place]) -> dict[int, Place]:
        """The windows to use, of those that were found: all values above one of them must be among them."""
        if self._is_chain and self.possible:
            below = [number for number in found if number != self.value]
            fewer = sum(self._count(number, found[number]) for number in below)
            return found if fewer < sum(self._count(number) for number in below) else {}
        chosen = {self.value: found[self.value]}
        whole: set[int] = set()
        for operation in self.operations:
            for number in signal_inputs(operation):
                if operation.output in whole or number not in found or self._count(number, found[number]) >= self._count(number):
                    whole.add(number)
        chosen |= {number: place for number, place in found.items() if number not in whole}
        return chosen if len(chosen) > 1 else {}

    def _is_map(self, number: int) -> bool:
        return self._dims[number] == self._dims[self.value] and len(self.shapes[number]) == self._dims[number] + 1

    def _count(self, number: int, place: Place | None = None) -> int:
        shape = self.shapes[number]
        return math.prod(shape) if place is None else math.prod(place.size) * shape[-1]


def signal_inputs(operation: Operation) -> list[int]:
    """Numbers of the inputs that get a signal: gates get none."""
    return [number for place, number in enumerate(operation.inputs) if place not in operation.rule.gates]


def _with_signal(graph: Graph, value: int) -> tuple[list[Operation], set[int]]:
    reached, chosen = {value}, []
    for operation in reversed(graph.needed_for(value)):
        if operation.output in reached:
            reached.update(signal_inputs(operation))
            chosen.append(operation)
    return chosen, reached
