"""Rules of pooling layers and operations: averages and maxima over windows, over parts of the map, and along axes."""

from collections.abc import Callable

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
    if window is None:
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
    return [MaxPool(window.size, window.strides, call.layer.padding)]


def adaptive_average_pool(call: Call) -> list[PassThrough]:
    """Averages of the parts of a map; a usual average pooling if the parts are alike."""
    if pair(call.layer.output_size) == (1, 1):
        return [Affine(call.function, WHOLE)]
    size = _size_of_parts(call)
    if size is None:
        return linear(call)
    return [Sliding(call.function, sliding_window(size, size, "valid"), _pooled(size), call.channels)]


def adaptive_max_pool(call: Call) -> list[PassThrough]:
    """Maxima of the parts of a map; without a rule unless the parts are alike."""
    size = _size_of_parts(call)
    if size is not None:
        return [MaxPool(size, size, "valid")]
    return call.without_rule(_type(call, "whose parts differ in size"), ["a size that divides that of the maps"], call.function)


def maximum(call: Call) -> list[PassThrough]:
    """The largest value along axes."""
    if getattr(call.layer, "initial", None) is None and all(None not in shape for shape in call.shapes):
        return [Maximum(call)]
    return call.without_rule(_type(call, "with `initial`, or of a size that the model leaves open"), ["one of known size"], call.function)


def pair(numbers: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width, of one number for both or of two."""
    first, second = (numbers, numbers) if isinstance(numbers, int) else numbers
    return first, second


def _window(call: Call) -> Window | None:
    if len(call.shapes[0]) != 3 or call.has_other_layout:
        return None
    size, strides = call.layer.pool_size, call.layer.strides
    return sliding_window(pair(size), pair(size if strides is None else strides), call.layer.padding)


def _size_of_parts(call: Call) -> tuple[int, int] | None:
    if len(call.shapes[0]) != 3 or call.has_other_layout:
        return None
    (height, width, _), (rows, columns) = call.shapes[0], pair(call.layer.output_size)
    if height is None or width is None or height % rows or width % columns:
        return None
    return height // rows, width // columns


def _pooled(size: tuple[int, int]) -> Callable:
    return lambda maps: ops.average_pool(maps, size, data_format=LAST)


def _type(call, problem):
    return f"is of type {type(call.layer).__name__}, {problem}"
