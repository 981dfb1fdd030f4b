"""Back-projection of activations in chunks, through small windows if that is less work than whole maps."""

import functools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.graph import Graph, Operation
from zfnet.model.deconvnet.passes import Passes
from zfnet.model.deconvnet.rules.chosen.own import Own
from zfnet.model.deconvnet.rules.fused import fused
from zfnet.model.deconvnet.rules.rule import Gradient, PassThrough, Rectify, Saved
from zfnet.model.deconvnet.targets import Targets

# Projections computed together: at most this many, and about this many values in the largest map. More bring no speed.
MOST_ROWS, MOST_VALUES = 32, 1 << 25
THREADS = 2


class Windows:
    """Windows of every map that one activation depends on, in a model that is a chain below it.

    A unit of ZFNet's conv5 depends on 3x3 positions of conv4, 5x5 of conv3, 7x7 of pool2 and so on: its projection is zero
    elsewhere. The result equals that of whole maps, at their borders too: a window may extend beyond the map; values outside are
    zeroed before the next operation.

    Attributes:
        source: number of the input that the value depends on.
        size: height and width of the window of the image; for a signal or volume, a number for each spatial axis.
        values: number of values of the window of each map, from the one below `value` to the image.
        possible: whether every operation between the image and `value` has one input and a local rule.
        worthwhile: whether that is possible, and windows have fewer elements than the whole maps.
    """

    def __init__(self, graph: Graph, value: int, shapes: list[tuple[int, ...]]) -> None:
        self.operations: list[Operation] = graph.needed_for(value)[::-1]
        self.value, self.shapes = value, shapes
        self._below = [shapes[operation.inputs[0]] for operation in self.operations]
        local = all(len(operation.inputs) == 1 and operation.rule.local for operation in self.operations)
        self.source = self.operations[-1].inputs[0] if self.operations else value
        dims = graph.dims[self.source]
        are_maps = dims > 0 and all(len(shape) == dims + 1 for shape in (shapes[value], *self._below))
        self.possible = bool(self.operations) and local and are_maps
        self.size: tuple[int, ...] = (1,) * dims
        self.values: list[int] = []
        if self.possible:
            for operation, shape in zip(self.operations, self._below, strict=True):
                self.size = operation.window.span(self.size)
                self.values.append(math.prod(self.size) * shape[-1])
        self.worthwhile = self.possible and self._fewer()

    def _fewer(self) -> bool:
        return sum(self.values) < sum(map(math.prod, self._below))

    def backward(
        self, saved: dict[int, Saved], examples: tf.Tensor, units: tf.Tensor, positions: tf.Tensor, strengths: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Projects activations, as in `Targets`, to their receptive fields.

        Returns:
            Float tensor `(M, rh, rw, C)`, 0 outside of the image; and int32 `(M, 2)`, row and column of each window's corner.
        """
        maps, size = self.shapes[self.value][-1], (1,) * len(self.size)
        signal = tf.reshape(tf.one_hot(units, maps, dtype=strengths.dtype) * strengths[:, None], (-1, *size, maps))
        corners, may_leave = tf.convert_to_tensor(positions), False
        for run in self._runs():
            operation = run[0]
            window, shape = operation.window, self.shapes[operation.inputs[0]]
            # A map of another size, even where only rows at the end were added or cut off.
            moves = not window.is_point or shape[:-1] != self.shapes[operation.output][:-1]
            if operation.rule.saves:
                switches = _gather(saved[operation.output], examples, corners, size, operation.rule.no_switch)
                signal = fused(_together(run), signal, switches)
            else:
                if may_leave and moves:
                    signal = _inside(signal, corners, self.shapes[operation.output])
                signal = operation.rule.spread(signal, None)
            signal.set_shape((None, *(None for _ in size), shape[-1]))
            size, corners = window.span(size), corners * (window.strides or 1) - window.padding(shape[:-1])
            # Unpooling only reaches places in the map.
            may_leave = not operation.rule.saves if moves else may_leave
        signal = signal[:, *(slice(length) for length in size)]
        return _inside(signal, corners, self.shapes[self.source]) if may_leave else signal, corners

    def _runs(self) -> list[list[Operation]]:
        # An unpooling and the pointwise operations after it are one run: together they are one loop over memory.
        runs: list[list[Operation]] = []
        for operation in self.operations:
            fusible = type(operation.rule) in (PassThrough, Rectify)
            if runs and fusible and runs[-1][0].rule.saves:
                runs[-1].append(operation)
            else:
                runs.append([operation])
        return runs


def _together(run):
    def backward(signal, switches):
        for operation in run:
            signal = operation.rule.spread(signal, switches)
        return signal

    return backward


def _places(corners, size):
    """Places of windows along each axis: `(M, h, 1)` and `(M, 1, w)` for images."""
    found = []
    for axis, length in enumerate(size):
        along = corners[:, axis, None] + tf.range(length)
        found.append(tf.reshape(along, (-1, *(1,) * axis, length, *(1,) * (len(size) - axis - 1))))
    return found


def _is_inside(places, shape):
    return functools.reduce(tf.logical_and, [(each >= 0) & (each < length) for each, length in zip(places, shape, strict=False)])


def _inside(signal, corners, shape):
    inside = _is_inside(_places(corners, signal.shape[1:-1]), shape)
    return signal * tf.cast(inside, signal.dtype)[..., None]


def _gather(saved, examples, corners, size, no_switch):
    places, lengths = _places(corners, size), saved.shape[1:-1]
    # Places of the map as one number: one index for each is faster than three.
    numbers = tf.reshape(examples, (-1, *[1] * len(size)))
    for each, length in zip(places, lengths, strict=True):
        numbers = numbers * length + tf.clip_by_value(each, 0, length - 1)
    window = tf.gather(tf.reshape(saved, (-1, saved.shape[-1])), numbers)
    return tf.where(_is_inside(places, lengths)[..., None], window, tf.constant(no_switch, saved.dtype))


def backproject(
    passes: Passes, value: int, shapes: list[tuple[int, ...]], saved: dict[int, Saved], targets: Targets, threads: int = THREADS
) -> dict[int, tuple[np.ndarray, np.ndarray | None]]:
    """Back-projects one or more targets, through windows if that is less work, else through whole maps.

    The targets are activations of the value number `value`; `shapes` and `saved` are as in `Passes.backward`, but one row an image.
    `threads` project side by side; more than two bring nothing on two cores.

    Returns:
        For the number of each input that the value depends on, windows of the receptive field `(M, rh, rw, C)` and their corners `(M, 2)`;
        or whole images `(M, H, W, C)` and `None`.

    Raises:
        ValueError: if the activations or their projections are not finite numbers.
    """
    windows = Windows(passes.graph, value, shapes)
    sources = passes.graph.sources(value)
    if windows.worthwhile:
        key, largest = ("windows", value, tuple(shapes)), max(windows.values)
        results = [((*windows.size, shapes[windows.source][-1]), passes.graph.dtype), ((len(windows.size),), np.int32)]

        def run(*part):
            return passes.run(key, windows.backward, saved, *part, values=len(part[0]) * largest)

    else:
        largest = max(math.prod(shapes[number]) for number in {*sources, *(operation.output for operation in windows.operations)})
        results = [(shapes[source], passes.graph.dtype) for source in sources]

        def run(*part):
            return _whole(passes, value, shapes, saved, *part)

    rows = min(MOST_ROWS, 1 << max(MOST_VALUES // largest, 1).bit_length() - 1)
    targets = targets._replace(strengths=targets.strengths.astype(passes.graph.dtype))
    chunks = list(targets.chunks(rows))
    starts = np.cumsum([0, *(count for count, _ in chunks)])
    arrays = [np.empty((starts[-1], *shape), dtype) for shape, dtype in results]

    def project_chunk(start, chunk):
        count, part = chunk
        for whole, array in zip(arrays, run(*part), strict=True):
            whole[start : start + count] = np.asarray(array)[:count]

    # Two at a time: while one is in a step that keeps a single core busy, the other uses the rest.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(project_chunk, starts, chunks))
    for array in arrays:
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array).all(axis=tuple(range(1, array.ndim)))))
            _raise_not_finite(passes, value, shapes, saved, targets, row)
    if windows.worthwhile:
        return {windows.source: (arrays[0], arrays[1])}
    return {source: (array, None) for source, array in zip(sources, arrays, strict=True)}


def _whole(passes, value, shapes, saved, *part):
    return passes.backward(value, *_start(value, shapes, saved, *part))


def _start(value, shapes, saved, examples, units, positions, strengths):
    places = np.concatenate([np.arange(len(units), dtype=np.int32)[:, None], positions, units[:, None]], axis=1)
    signal = tf.scatter_nd(places, strengths, (len(units), *shapes[value]))
    return signal, shapes, tf.nest.map_structure(lambda tensor: tf.gather(tensor, examples), saved)


def _raise_not_finite(passes, value, shapes, saved, targets, row):
    part = Targets(*(numbers[row : row + 1] for numbers in targets))
    name = passes.graph.first_names()[value]
    if not np.isfinite(part.strengths).all():
        raise ValueError(
            f"Layer {name!r} has activations that are not finite numbers (NaN or infinite): are the model's weights, or the preprocessing, "
            "right?"
        )
    found = passes.first_not_finite(value, *_start(value, shapes, saved, *part))
    raise ValueError(f"The projection of unit {part.units[0]} of layer {name!r} is not finite (NaN or infinite): {_reason(found)}.")


def _reason(found):
    if found is None:
        return "the activation or the weights are too large"
    layer = f"layer {found.layer.name!r}, of type {type(found.layer).__name__},"
    if isinstance(found.rule, Own):
        return f"the rule of {layer} returned such numbers for a finite signal"
    if not isinstance(found.rule, Gradient):
        return f"{layer} is the first on the way down to make such numbers. Check its weights"
    if getattr(found.layer, "compute_dtype", None) == "float16":
        return f"{layer} is passed by its gradient, in float16, whose largest number is 65504; build it with dtype='float32'"
    return f"the gradient of {layer} is not finite at this image, like that of sqrt(x) at 0; sqrt(x + 1e-6) would be"
