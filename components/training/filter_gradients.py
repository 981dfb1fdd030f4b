"""Faster gradients of convolutions with respect to their filters, on a CPU."""

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

# oneDNN gives parts of a filter gradient the bits of the whole if each has a multiple of these maps.
BLOCK = 16


@contextlib.contextmanager
def fast_filter_gradients(net: keras.Model, deterministic: bool, threads: int | None = None) -> Iterator[None]:
    """Speeds up the filter gradients of the convolutions of a net, wherever the net is called within the context.

    With TensorFlow's determinism, the filter gradient of a convolution takes one thread. So it is split among threads by
    `split_filter_gradient`, which gives the same bits. Without it, `product_filter_gradient` takes less work where it applies.
    Convolutions with groups, dilation or another order of axes stay as they are, and so does everything on a GPU.

    Args:
        net: its layers are changed within the context, and as before after it.
        deterministic: whether TensorFlow's determinism is on.
        threads: into how many parts a gradient is split at most; `None` takes the number of cores.

    Examples:
        >>> model = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.Conv2D(32, 3)])
        >>> with fast_filter_gradients(model, deterministic=True, threads=2):
        ...     model(tf.zeros((1, 9, 9, 3))).shape
        TensorShape([1, 7, 7, 32])
    """
    layers = [] if tf.config.list_physical_devices("GPU") else [layer for layer in net.layers if _applies(layer)]
    threads = threads or os.cpu_count() or 1
    for layer in layers:
        gradient = product_filter_gradient
        if deterministic or not _as_product(layer):
            gradient = functools.partial(split_filter_gradient, parts=threads if deterministic else 1)
        layer.call = functools.partial(_call, layer, gradient)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def split_filter_gradient(
    inputs: tf.Tensor, upstream: tf.Tensor, sides: Sequence[int], stride: int, padding: str, parts: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the gradients of a convolution with respect to its filters and its bias in parts, each of some of its maps.

    Args:
        inputs: of the convolution, float `(batch, height, width, channels)`.
        upstream: gradient with respect to its outputs, float `(batch, rows, columns, maps)`.
        sides: height and width of the filters.
        stride: of the convolution, the same along both axes.
        padding: `"SAME"` or `"VALID"`.
        parts: how many at most; each has a multiple of 16 maps, and has the bits that the whole has.

    Returns:
        Float `(*sides, channels, maps)` and `(maps,)`.

    Examples:
        >>> ones = tf.ones((1, 4, 4, 32))
        >>> filters, bias = split_filter_gradient(ones, ones, (3, 3), 1, "SAME", parts=2)
        >>> filters[0, 1, 0, :2].numpy().tolist(), bias[:2].numpy().tolist()
        ([12.0, 12.0], [16.0, 16.0])
    """
    maps, channels = upstream.shape[-1], inputs.shape[-1]
    parts = max(1, min(parts, maps // BLOCK))
    ends = [*(maps // BLOCK * number // parts * BLOCK for number in range(parts)), maps]
    # Slices, not tf.split: oneDNN computes both gradients at once if they have one node as input, whichever of its outputs it is.
    slices = [upstream[..., start:end] for start, end in itertools.pairwise(ends)] if parts > 1 else [upstream]
    filters = [
        tf.raw_ops.Conv2DBackpropFilter(
            input=inputs,
            filter_sizes=[*sides, channels, part.shape[-1]],
            out_backprop=part,
            strides=[1, stride, stride, 1],
            padding=padding,
        )
        for part in slices
    ]
    return _joined(filters), _joined([tf.raw_ops.BiasAddGrad(out_backprop=part) for part in slices])


def product_filter_gradient(
    inputs: tf.Tensor, upstream: tf.Tensor, sides: Sequence[int], stride: int, padding: str
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the same gradients by a matrix product for each row of the filters, for stride 1 and padding `"SAME"`.

    Equal to `split_filter_gradient` up to the order of additions. `stride` and `padding` are there for the same arguments alone.

    Examples:
        >>> ones = tf.ones((1, 4, 4, 32))
        >>> product_filter_gradient(ones, ones, (3, 3), 1, "SAME")[0][0, 1, 0, :2].numpy().tolist()
        [12.0, 12.0]
    """
    _, rows, columns, maps = upstream.shape
    channels = inputs.shape[-1]
    (above, below), (left, right) = (((side - 1) // 2, side // 2) for side in sides)
    padded = tf.pad(inputs, [[0, 0], [above, below], [left, right], [0, 0]])
    neighbours = tf.concat([padded[:, :, first : first + columns] for first in range(sides[1])], axis=-1)
    flat = tf.reshape(upstream, [-1, maps])
    products = [
        tf.matmul(tf.reshape(neighbours[:, first : first + rows], [-1, sides[1] * channels]), flat, transpose_a=True)
        for first in range(sides[0])
    ]
    return tf.reshape(tf.stack(products), [*sides, channels, maps]), tf.raw_ops.BiasAddGrad(out_backprop=upstream)


def _joined(parts: list[tf.Tensor]) -> tf.Tensor:
    return tf.concat(parts, axis=-1) if len(parts) > 1 else parts[0]


def _applies(layer: keras.Layer) -> bool:
    plain = type(layer) is keras.layers.Conv2D and layer.use_bias and layer.data_format == "channels_last" and layer.groups == 1
    return plain and tuple(layer.dilation_rate) == (1, 1) and len(set(layer.strides)) == 1


def _as_product(layer: keras.layers.Conv2D) -> bool:
    # With few channels, copies of neighbours cost more than the product.
    return layer.strides == (1, 1) and layer.padding == "same" and layer.kernel.shape[2] >= 8 * BLOCK


def _call(layer: keras.layers.Conv2D, gradient: Callable[..., tuple[tf.Tensor, tf.Tensor]], inputs: tf.Tensor) -> tf.Tensor:
    padding, stride = layer.padding.upper(), layer.strides[0]

    @tf.custom_gradient
    def convolve(inputs, kernel, bias):
        def backward(upstream):
            with tf.name_scope(f"{layer.name}_gradient"):  # A profile shows it.
                to_inputs = tf.raw_ops.Conv2DBackpropInput(
                    input_sizes=tf.shape(inputs), filter=kernel, out_backprop=upstream, strides=[1, stride, stride, 1], padding=padding
                )
                return to_inputs, *gradient(inputs, upstream, layer.kernel_size, stride, padding)

        return tf.nn.bias_add(tf.nn.conv2d(inputs, kernel, stride, padding), bias), backward

    return layer.activation(convolve(inputs, tf.convert_to_tensor(layer.kernel), tf.convert_to_tensor(layer.bias)))
