"""The way down through windows: the traced computation that `Windows` plans."""

import functools
from collections import Counter
from typing import NamedTuple

import tensorflow as tf

from zfnet.model.deconvnet.operation import Operation
from zfnet.model.deconvnet.rules.fused import fused
from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.rules.rule import PassThrough, Rectify, Saved
from zfnet.model.deconvnet.windows.plan import Place, Windows, signal_inputs


class _Part(NamedTuple):
    """Window of a signal, one of those that add up to a value's; `may_leave` tells whether it is more than 0 outside of the map."""

    signal: tf.Tensor
    place: Place
    may_leave: bool


class WayDown:
    """Projections of activations of one layer: through windows as far as they are planned, below through whole maps.

    The result equals that of whole maps, at their borders too: a window may extend beyond the map; values outside are zeroed before the
    next operation that moves places.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows, self.places, self.shapes = windows, windows.places, windows.shapes
        self._consumers = Counter(number for operation in windows.operations for number in signal_inputs(operation))

    def backward(
        self, saved: dict[int, Saved], examples: tf.Tensor, units: tf.Tensor, positions: tf.Tensor, strengths: tf.Tensor
    ) -> list[tf.Tensor]:
        """Projects activations, as in `Targets`, to every input that the signal reaches.

        Returns:
            For each of `Windows.sources` the receptive fields, float `(M, rh, rw, C)`, 0 outside of the image, and int32 `(M, 2)`, row
            and column of each window's corner; or whole images `(M, H, W, C)` alone, where no windows are planned.
        """
        start = self.places[self.windows.value]
        maps = self.shapes[self.windows.value][-1]
        signal = tf.reshape(tf.one_hot(units, maps, dtype=strengths.dtype) * strengths[:, None], (-1, *start.size, maps))
        parts: dict[int, list[_Part]] = {self.windows.value: [_Part(signal, start, False)]}
        whole: dict[int, tf.Tensor] = {}
        for run in self._runs():
            operation = run[0]
            numbers = signal_inputs(operation)
            part = self._joined(operation.output, parts.pop(operation.output)) if operation.output in self.places else None
            if part and self.windows.come_through(operation):
                for number, below in zip(numbers, self._windows(run, part, saved, examples, positions), strict=True):
                    if number in self.places:
                        parts.setdefault(run[-1].inputs[0] if len(run) > 1 else number, []).append(below)
                    else:
                        _add(whole, number, self._pasted(number, below, positions))
            else:
                if part:
                    whole[operation.output] = self._pasted(operation.output, part, positions)
                kept = None
                if operation.rule.saves:
                    kept = tf.nest.map_structure(lambda tensor: tf.gather(tensor, examples), saved[operation.output])
                shapes = [self.shapes[number] for number in operation.inputs]
                given = operation.rule.backward(whole.pop(operation.output), shapes, kept)
                for place, (number, below) in enumerate(zip(operation.inputs, given, strict=True)):
                    if place not in operation.rule.gates:
                        below.set_shape((None, *self.shapes[number]))
                        _add(whole, number, below)
        results: list[tf.Tensor] = []
        for source in self.windows.sources:
            results += self._found(source, parts[source], positions) if source in parts else [whole[source]]
        return results

    def _runs(self) -> list[list[Operation]]:
        # An unpooling and the pointwise operations after it are one run: together they are one loop over memory.
        runs: list[list[Operation]] = []
        for operation in self.windows.operations:
            above = runs[-1] if runs else []
            alone = self._consumers[operation.output] == 1 and operation.output in self.places and {*operation.inputs} <= self.places.keys()
            if above and alone and _is_unpooling(above[0]) and above[-1].inputs == (operation.output,) and _is_pointwise(operation):
                above.append(operation)
            else:
                runs.append([operation])
        return runs

    def _joined(self, number: int, parts: list[_Part]) -> _Part:
        if len(parts) == 1:
            return parts[0]
        place = self.places[number]
        total = functools.reduce(tf.add, [_padded(part, place) for part in parts])
        return _Part(total, place, any(part.may_leave for part in parts))

    def _windows(self, run, part, saved, examples, positions):
        operation, rule = run[0], run[0].rule
        signal, place, may_leave = part
        reach, shape = rule.reach, self.shapes[operation.output]
        corners = _corners(place, positions)
        shapes = [self.shapes[number] for number in operation.inputs]
        # A map of another size, even where only rows at the end were added or cut off.
        moves = not reach.is_point or any(self.shapes[number][:-1] != shape[:-1] for number in signal_inputs(operation))
        if _is_unpooling(operation):
            switches = gathered(saved[operation.output], examples, corners, place.size, rule.no_switch)
            given = [fused(_together(run), signal, switches)]
        else:
            if may_leave and moves:
                signal = inside(signal, corners, shape)
            kept = None
            if rule.saves or rule.varies:
                every = tf.nest.flatten(saved[operation.output]) if rule.saves else rule.numbers(shapes, signal.dtype)
                rows = examples if rule.saves else tf.zeros_like(examples)
                kept = [gathered(each, rows, corners, place.size) for each in every]
                signal = signal[:, *(slice(length) for length in place.size)]
            given = rule.spread(signal, kept)
        # Unpooling only reaches places in the map.
        may_leave = not _is_unpooling(operation) if moves else may_leave
        for index, (number, below) in enumerate(zip(operation.inputs, given, strict=True)):
            if index not in rule.gates:
                below.set_shape((None, *(None for _ in place.size), self.shapes[number][-1]))
                yield _Part(below, place.below(reach, reach.padding(self.shapes[number][:-1])), may_leave)

    def _pasted(self, number, part, positions):
        """A window in its whole map."""
        size = part.place.size
        rows = tf.range(tf.shape(part.signal)[0])
        window = part.signal[:, *(slice(length) for length in size)]
        return gathered(window, rows, -_corners(part.place, positions), self.shapes[number][:-1], 0)

    def _found(self, source, parts, positions):
        signal, place, may_leave = self._joined(source, parts)
        signal, corners = signal[:, *(slice(length) for length in place.size)], _corners(place, positions)
        return [inside(signal, corners, self.shapes[source]) if may_leave else signal, corners]


def _add(signals, number, signal):
    signals[number] = signals[number] + signal if number in signals else signal


def _is_unpooling(operation):
    return type(operation.rule) is MaxPool


def _is_pointwise(operation):
    return type(operation.rule) in (PassThrough, Rectify)


def _together(run):
    def backward(signal, switches):
        for operation in run:
            (signal,) = operation.rule.spread(signal, switches)
        return signal

    return backward


def _padded(part, place):
    """The signal of a part in the larger place around it."""
    signal = part.signal[:, *(slice(length) for length in part.place.size)]
    before = [own - start for own, start in zip(part.place.offset, place.offset, strict=True)]
    after = [end - own for own, end in zip(part.place.ends, place.ends, strict=True)]
    return tf.pad(signal, [[0, 0], *([*sides] for sides in zip(before, after, strict=True)), [0, 0]]) if any(before + after) else signal


def _corners(place, positions):
    return positions * tf.constant(place.stride, positions.dtype) + tf.constant(place.offset, positions.dtype)


def _places(corners, size):
    """Places of windows along each axis: `(M, h, 1)` and `(M, 1, w)` for images."""
    found = []
    for axis, length in enumerate(size):
        along = corners[:, axis, None] + tf.range(length)
        found.append(tf.reshape(along, (-1, *(1,) * axis, length, *(1,) * (len(size) - axis - 1))))
    return found


def _is_inside(places, shape):
    return functools.reduce(tf.logical_and, [(each >= 0) & (each < length) for each, length in zip(places, shape, strict=False)])


def inside(signal: tf.Tensor, corners: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Windows `(M, h, w, maps)` of maps of `shape`, with zeros outside of them."""
    is_inside = _is_inside(_places(corners, signal.shape[1:-1]), shape)
    return signal * tf.cast(is_inside, signal.dtype)[..., None]


def gathered(maps: tf.Tensor, examples: tf.Tensor, corners: tf.Tensor, size: tuple[int, ...], outside: float | None = None) -> tf.Tensor:
    """Cuts windows `(M, *size, maps)` out of maps `(N, h, w, maps)`, at `corners` `(M, 2)` of `examples` `(M,)`.

    Outside of the map is the number `outside`, or the nearest value of the map for `None`. An axis of length 1 has the same values
    everywhere, and stays of length 1.
    """
    lengths = maps.shape[1:-1]
    is_one = [length == 1 for length in lengths] if outside is None else [False] * len(lengths)
    size = tuple(1 if one else length for one, length in zip(is_one, size, strict=True))
    places = _places(corners, size)
    # Places of the map as one number: one index for each is faster than three.
    numbers = tf.reshape(examples, (-1, *[1] * len(size)))
    for each, length in zip(places, lengths, strict=True):
        numbers = numbers * length + tf.clip_by_value(each, 0, length - 1)
    window = tf.gather(tf.reshape(maps, (-1, maps.shape[-1])), numbers)
    return window if outside is None else tf.where(_is_inside(places, lengths)[..., None], window, tf.constant(outside, maps.dtype))
