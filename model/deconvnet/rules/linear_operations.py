"""Operations of Keras that are linear, each by the way in which its window is found; their transposes come from autodiff."""

from collections.abc import Callable, Sequence

import numpy as np
from keras import KerasTensor, ops

from zfnet.model.deconvnet.rules.axes import linear, window_across
from zfnet.model.deconvnet.rules.by_place import by_place, concatenation
from zfnet.model.deconvnet.rules.call import LAST, Call, Rules
from zfnet.model.deconvnet.rules.chosen.gate import gated_product
from zfnet.model.deconvnet.rules.convolution import Sliding
from zfnet.model.deconvnet.rules.move import find_move
from zfnet.model.deconvnet.rules.pooling import adaptive_average_pool, adaptive_max_pool, average_pool, by_axis, max_pool, maximum
from zfnet.model.deconvnet.rules.rule import Affine, PassThrough, Rectify
from zfnet.model.deconvnet.rules.window import WHOLE, sliding_window


def nothing(call: Call) -> list[PassThrough]:
    """Rule of an operation that returns its input, or changes nothing in use."""
    return [PassThrough(call.function)]


def move(call: Call) -> list[PassThrough]:
    """Rule of an operation that only moves values."""
    return [find_move(call)]


def reshaping(call: Call) -> list[PassThrough]:
    """Rule of a reshape: units see the whole image, unless it keeps rows and columns."""
    return [find_move(call, otherwise=WHOLE)]


def across(axes: Callable[[Call], int | Sequence[int] | None]) -> Rules:
    """Rules of operations that mix values along some axes, and leave the others in place."""

    def rules(call: Call) -> list[PassThrough]:
        window = window_across(call, axes(call))
        maps_only = window.is_point and call.on_maps and len(call.output.shape) == len(call.inputs[0].shape)
        return [Affine(call.function, window, local=maps_only, channels=(call.channels,) if maps_only else ())]

    return rules


def of_one(rules: Rules) -> Rules:
    """The same rules for an operation that is linear in its first argument alone, the others being numbers."""

    def checked(call: Call) -> list[PassThrough]:
        if len(call.shapes) == 1 and isinstance(call.arguments[0], KerasTensor):
            return rules(call)
        problem = f"is of type {type(call.layer).__name__}, with an activation beside its first argument"
        return call.without_rule(problem, ["one with numbers there"], call.function)

    return checked


def product(call: Call) -> list[PassThrough]:
    """A product with numbers."""
    if len(call.shapes) == 1:
        return by_place(call)
    problem = "is the product of two activations, linear in neither"
    return call.without_rule(problem, ["a product with numbers"], call.function, literature=gated_product)


def quotient(call: Call) -> list[PassThrough]:
    """A quotient by numbers."""
    if len(call.shapes) == 1 and isinstance(call.arguments[0], KerasTensor):
        return by_place(call)
    return call.without_rule("divides by an activation, in which nothing is linear", ["a quotient by numbers"], call.function)


def tensor_product(call: Call) -> list[PassThrough]:
    """A product with numbers, summed along axes."""
    return linear(call) if len(call.shapes) == 1 else product(call)


def matrix_product(call: Call) -> list[PassThrough]:
    """A product with a matrix of numbers, summed along the last axis; or with other numbers."""
    along_last = isinstance(call.arguments[0], KerasTensor) and np.ndim(call.arguments[1]) == 2
    return across(lambda call: -1)(call) if along_last and len(call.shapes) == 1 else tensor_product(call)


def convolution(operation: Callable) -> Rules:
    """A convolution with numbers as filters."""

    def rules(call: Call) -> list[PassThrough]:
        layer, filters = call.layer, call.arguments[1:]
        if not call.on_maps or call.has_other_layout:
            return linear(call)

        def slide(inputs, padding):
            kernels = [ops.cast(kernel, call.dtype) for kernel in filters]
            return operation(inputs, *kernels, layer.strides, padding, LAST, layer.dilation_rate)

        size = tuple(filters[0].shape[: call.dims])
        window = sliding_window(size, by_axis(call, layer.strides), layer.padding, by_axis(call, layer.dilation_rate))
        return [Sliding(lambda maps: slide(maps, layer.padding), window, lambda maps: slide(maps, "valid"), call.channels)]

    return of_one(rules)


def resizing(call: Call) -> list[PassThrough]:
    """Another size of maps: nearest neighbours are moves; the same size changes nothing."""
    layer = call.layer
    size = (layer.height, layer.width) if call.is_layer else layer.size
    if len(call.shapes[0]) == 3 and not call.has_other_layout and call.shapes[0][:2] == tuple(size):
        return nothing(call)
    if "float" not in call.inputs[0].dtype:
        problem = f"is of type {type(layer).__name__}, on {call.inputs[0].dtype}, which it rounds"
        return call.without_rule(problem, ["an input of a float type"], call.function)
    return move(call) if layer.interpolation == "nearest" and not layer.antialias else linear(call)


def larger(call: Call) -> list[PassThrough]:
    """The larger of an activation and 0, which is a ReLU."""
    numbers = [argument for argument in call.arguments if not isinstance(argument, KerasTensor)]
    if len(numbers) == 1 and np.ndim(numbers[0]) == 0 and numbers[0] == 0:
        return [Rectify(call.function)]
    return call.without_rule("is a maximum of activations", ["a maximum of one and 0"], call.function)


def choice(call: Call) -> list[PassThrough]:
    """A choice between values, by place; linear if an activation does not choose."""
    if not isinstance(call.arguments[0], KerasTensor):
        return by_place(call)
    return call.without_rule("chooses by an activation", ["a condition of numbers"], call.function)


def cast(call: Call) -> list[PassThrough]:
    """Another type of numbers; whole ones are rounded."""
    if "float" in call.output.dtype:
        return nothing(call)
    return call.without_rule(f"is of type {type(call.layer).__name__}, to {call.output.dtype}", ["a float type"], call.function)


def _own_axis(call):
    return call.layer.axis


def _diagonals(call):
    return call.layer.axis1, call.layer.axis2


def _maps(call):
    return -1 if call.layer.data_format == LAST else 1


def _all(names: str, rules: Rules) -> dict[str, Rules]:
    return dict.fromkeys(names.split(), rules)


# By the names of the classes behind the functions of `keras.ops` and the operators of symbolic tensors.
LINEAR_OPERATIONS: dict[str, Rules] = {
    **_all("Conj Conjugate ConvertToTensor Copy Identity Real StopGradient", nothing),
    **_all("Cast SaturateCast", cast),
    **_all("Add Deg2rad Negative Rad2deg Subtract", by_place),
    **_all("Divide TrueDivide", quotient),
    **_all("Append ArraySplit CropImages DepthToSpace Diagonal Dsplit Dstack ExpandDims ExtractPatches Flip Fliplr Flipud", move),
    **_all("Moveaxis Pad PadImages Rearrange Repeat Roll Rot90 SpaceToDepth Split Squeeze Stack Swapaxes Tile Transpose", move),
    **_all("Hsplit Hstack Tril Triu Unfold Unstack Vsplit Vstack", move),
    **_all("GetItem Slice Take TakeAlongAxis", of_one(move)),
    **_all("BroadcastTo Ravel Reshape", reshaping),
    **_all("Average", of_one(across(_own_axis))),
    **_all("Cumsum Diff Mean Sum Trapezoid", across(_own_axis)),
    **_all("RGBToGrayscale", across(_maps)),
    **_all("Trace", across(_diagonals)),
    **_all("Dot Matmul", matrix_product),
    **_all("Einsum Tensordot", tensor_product),
    **_all("Fold GaussianBlur SobelEdges", linear),
    **_all("Amax Max", maximum),
    "AdaptiveAveragePool": adaptive_average_pool,
    "AdaptiveMaxPool": adaptive_max_pool,
    "AffineTransform": of_one(linear),
    "AveragePool": average_pool,
    "Concatenate": concatenation,
    "Conv": convolution(ops.conv),
    "DepthwiseConv": convolution(ops.depthwise_conv),
    "MaxPool": max_pool,
    "Maximum": larger,
    "Multiply": product,
    "Resize": resizing,
    "SeparableConv": convolution(ops.separable_conv),
    "Where": choice,
}
