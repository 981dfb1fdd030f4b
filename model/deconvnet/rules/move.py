"""Operations that only move values: slices, flips, stacks, paddings, transpositions, each measured by where values come from."""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.rules.axes import IMAGES, open_sizes, places
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.rule import Affine, Function, Saved
from zfnet.model.deconvnet.rules.window import POINT, WHOLE, Window
from zfnet.model.deconvnet.separate_images import mixed_images


class Move(Affine):
    """An operation each of whose results is one value of its inputs, or a constant; backward each value returns to its place.

    `maps` tells for each input and each map of the result its map in the input, -1 for none, if all its windows are alike: then a window
    of the signal can be back-projected alone.
    """

    def __init__(
        self, function: Function, window: Window | None, maps: list[np.ndarray] | None = None, channels: tuple[int, ...] = ()
    ) -> None:
        super().__init__(function, window, maps is not None, channels)
        self.maps = maps or []

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """The window as it is, each map at its place in its input."""
        return [_moved_back(signal, maps, count) for maps, count in zip(self.maps, self.channels, strict=True)]


def _moved_back(signal: tf.Tensor, maps: np.ndarray, count: int) -> tf.Tensor:
    if np.array_equal(maps, np.arange(count)):
        return signal
    return tf.tensordot(signal, tf.one_hot(maps, count, dtype=signal.dtype), 1)


class Places(NamedTuple):
    """Window and maps to which the values of the inputs moved; arguments of `Move`."""

    window: Window | None
    maps: list[np.ndarray] | None


def find_move(call: Call, otherwise: Window | None = None) -> Move:
    """Rule of a call that only moves values, with its exact window, found by following each value's row and column.

    `otherwise` is the window of a move that is not the same everywhere. A ValueError is raised if images of a batch change places.
    """
    shapes = [tuple(shape) for shape in call.shapes]
    if all(None not in shape for shape in shapes):
        found = _followed(call, shapes)
    else:
        # Only what does not depend on the size is known.
        trials = [_followed_or_unknown(call, [_filled(shape, size) for shape in shapes]) for size in open_sizes(call.dims)]
        found = trials[0] if trials[0].window == trials[1].window and _same_maps(*trials) else Places(None, None)
    window = otherwise if found.window is None else found.window
    channels = tuple(shape[-1] for shape in call.shapes if shape and shape[-1] is not None)
    known = found.maps is not None and len(channels) == len(call.shapes)
    return Move(call.function, window, found.maps if known else None, channels if known else ())


def _same_maps(one, other):
    if one.maps is None or other.maps is None:
        return one.maps is other.maps
    return all(np.array_equal(*maps) for maps in zip(one.maps, other.maps, strict=True))


def _filled(shape, size):
    return tuple(size if length is None else length for length in shape)


def _followed_or_unknown(call, shapes):
    try:
        return _followed(call, shapes)
    except tf.errors.InvalidArgumentError:
        return Places(None, None)


def _followed(call, shapes):
    found = [_follow(call, shapes, number) for number in range(len(shapes))]
    if any(places.window != found[0].window for places in found):
        return Places(None, None)
    maps = [each for places in found for each in places.maps or []]
    return Places(found[0].window, maps if len(maps) == len(found) else None)


def _follow(call, shapes, number):
    """Follows the values of one input, by what is returned for their coordinates."""
    shape = shapes[number]
    zeros = [np.zeros((IMAGES, *each), np.float32) for each in shapes]

    def sources(axis):
        """For each value of the result, its place along one axis of the input; -1 for a constant."""
        along = [1] * (len(shape) + 1)
        along[axis] = -1
        coordinates = np.arange(1, (IMAGES, *shape)[axis] + 1, dtype=np.float32).reshape(along)
        filled = [*zeros[:number], np.broadcast_to(coordinates, zeros[number].shape), *zeros[number + 1 :]]
        moved = np.asarray(call.function(*map(tf.constant, filled)))
        return np.where(moved != constants, moved, 0) - 1

    constants = np.asarray(call.function(*map(tf.constant, zeros)))
    images = sources(0)
    stays = images.shape[:1] == (IMAGES,) and all(np.isin(image, (-1, row)).all() for row, image in enumerate(images))
    if not stays:
        raise mixed_images(call.layer)
    if images.ndim <= call.dims:
        return Places(WHOLE, None)
    rows_and_columns = _axes(len(shape) + 1, call), _axes(images.ndim, call)
    if len(shape) < call.dims:
        return Places(None, None)
    lines = [_line(sources(before), after) for before, after in zip(*rows_and_columns, strict=True)]
    if None in lines:
        return Places(None, None)
    window = Window(*zip(*lines, strict=True)) if lines else POINT
    is_shift = call.on_maps and images.ndim == call.dims + 2 and {*window.size, *window.strides} == {1}
    maps = _maps(sources(images.ndim - 1), window, shape) if is_shift and len(shape) == call.dims + 1 else None
    return Places(window, None if maps is None else [maps])


def _axes(rank, call):
    # Maps come last in rules.
    return places(rank, call.dims, call.channels_first and rank != call.dims + 2)


def _line(sources, axis):
    """Size, stride and padding of the windows along one axis, if they lie on a line; else `None`."""
    by_place = np.moveaxis(sources, axis, 0).reshape(sources.shape[axis], -1)
    comes = by_place >= 0
    (known,) = np.nonzero(comes.any(axis=1))
    if not known.size:
        return None
    first = np.where(comes, by_place, np.inf).min(axis=1)[known]
    last = np.where(comes, by_place, -np.inf).max(axis=1)[known]
    step = (first[-1] - first[0]) / (known[-1] - known[0]) if known.size > 1 else 1
    start, size = first[0] - step * known[0], last[0] - first[0] + 1
    is_line = np.array_equal(first, start + step * known) and np.array_equal(last, first + size - 1)
    if not (is_line and step >= 1 and all(float(number).is_integer() for number in (step, start, size))):
        return None
    return int(size), int(step), int(-start)


def _maps(sources, window, shape):
    """For each map of the result its map in the input, -1 for none; `None` if that is not the same at every place of the input."""
    inside = [
        (np.arange(length) - before >= 0) & (np.arange(length) - before < limit)
        for length, before, limit in zip(sources.shape[1:-1], window.before, shape, strict=False)
    ]
    maps = sources.max(axis=tuple(range(sources.ndim - 1)))
    expected = np.where(functools.reduce(np.multiply.outer, inside)[..., None], maps, -1)
    return maps.astype(int) if (sources == expected).all() else None
