"""Rules of pooling layers and operations: averages and maxima over windows, over parts of the map, and along axes."""

from collections.abc import Callable, Sequence

import tensorflow as tf
from keras import ops

from zfnet.model.deconvnet.rules.axes import linear
from zfnet.model.deconvnet.rules.call import LAST, Call
from zfnet.model.deconvnet.rules.convolution import Sliding
from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.rules.maximum import Maximum
from zfnet.model.deconvnet.rules.rule import WHOLE, Affine, PassThrough, Window, sliding_window


def average_pool(call: Call) -> list[PassThrough]:
    """Average pooling, a layer or an operation."""
    window = _window(call)
    if window is None or not call.on_maps:
        return linear(call)
    # With `same` padding, the border's averages are over fewer positions than others, so that not all windows are alike.
    if call.layer.padding == "same":
        return [Affine(call.function, window)]
    return [Sliding(call.function, window, call.function, call.channels)]


def max_pool(call: Call) -> list[PassThrough]:
    """Max pooling, a layer or an operation."""
    if call.has_other_layout:
        return call.in_other_layout()
    window = _window(call)
    if window is None:
        return call.without_rule(_type(call, "of something else than maps"), ["a pooling of maps"], call.function)
    return [MaxPool(window.size, window.strides, call.layer.padding, call.on_maps)]


def global_max_pool(call: Call) -> list[PassThrough]:
    """Max pooling of whole maps."""
    size = [length for length in call.shapes[0][:-1] if length is not None]
    if len(size) < len(call.shapes[0]) - 1:
        sizes = " x ".join(map(str, call.shapes[0][:-1]))
        raise ValueError(f"Layer {call.layer.name!r} pools a map of {sizes}; its switches need a known size: build the model for one.")
    if call.has_other_layout:
        return call.in_other_layout()
    shape = (-1, *(1,) * len(size), call.channels) if call.layer.keepdims else (-1, call.channels)
    return [MaxPool(size, size, "valid", call.on_maps), Affine(lambda inputs: tf.reshape(inputs, shape), WHOLE)]


def adaptive_average_pool(call: Call) -> list[PassThrough]:
    """Averages of the parts of a map; a usual average pooling if the parts are alike."""
    if set(by_axis(call, call.layer.output_size)) == {1}:
        return [Affine(call.function, WHOLE)]
    size = _size_of_parts(call)
    if size is None or not call.on_maps:
        return linear(call)
    return [Sliding(call.function, sliding_window(size, size, "valid"), _pooled(size), call.channels)]


def adaptive_max_pool(call: Call) -> list[PassThrough]:
    """Maxima of the parts of a map; without a rule unless the parts are alike."""
    size = _size_of_parts(call)
    if size is not None:
        return [MaxPool(size, size, "valid", call.on_maps)]
    return call.without_rule(_type(call, "whose parts differ in size"), ["a size that divides that of the maps"], call.function)


def maximum(call: Call) -> list[PassThrough]:
    """The largest value along axes."""
    if getattr(call.layer, "initial", None) is None and all(None not in shape for shape in call.shapes):
        return [Maximum(call)]
    return call.without_rule(_type(call, "with `initial`, or of a size that the model leaves open"), ["one of known size"], call.function)


def by_axis(call: Call, given: int | Sequence[int]) -> tuple[int, ...]:
    """A number for each spatial axis of a call's input, height and width for images; `given` is one number for all, or one for each."""
    return (given,) * (len(call.shapes[0]) - 1) if isinstance(given, int) else tuple(given)


def _window(call: Call) -> Window | None:
    if call.has_other_layout or len(call.shapes[0]) not in (2, 3, 4):
        return None
    size, strides = call.layer.pool_size, call.layer.strides
    return sliding_window(by_axis(call, size), by_axis(call, size if strides is None else strides), call.layer.padding)


def _size_of_parts(call: Call) -> tuple[int, ...] | None:
    if call.has_other_layout or len(call.shapes[0]) not in (2, 3, 4):
        return None
    lengths, parts = call.shapes[0][:-1], by_axis(call, call.layer.output_size)
    sizes = tuple(0 if length is None or length % count else length // count for length, count in zip(lengths, parts, strict=True))
    return sizes if all(sizes) else None


def _pooled(size: tuple[int, ...]) -> Callable:
    return lambda maps: ops.average_pool(maps, size, data_format=LAST)


def _type(call, problem):
    return f"is of type {type(call.layer).__name__}, {problem}"
