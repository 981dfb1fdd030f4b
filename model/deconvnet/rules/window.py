"""The window that one position of an operation sees of the positions below it."""

from typing import NamedTuple


class Window(NamedTuple):
    """Size, steps and padding of an operation that slides over its input, each `(height, width)` in positions below.

    Attributes:
        size: of the window, holes of a dilation included.
        strides: between the windows of neighbouring positions.
        before: rows and columns of padding before the first; negative if some are cut off; `None` for `same` padding, which
            depends on the size of the input.
    """

    size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    before: tuple[int | None, int | None] = (0, 0)


POINT = Window((1, 1))
# Every output sees all of the input.
WHOLE = Window((0, 0))


def sliding_window(size: tuple[int, int], strides: tuple[int, int], padding: str, dilation: tuple[int, int] = (1, 1)) -> Window:
    """The window of a Keras convolution or pooling.

    Args:
        size: `kernel_size` or `pool_size`.
        strides: the layer's strides.
        padding: `"same"` or `"valid"`.
        dilation: the layer's dilation rate.

    Returns:
        The window.
    """
    reach = tuple((length - 1) * rate + 1 for length, rate in zip(size, dilation, strict=True))
    return Window(reach, tuple(strides), (None, None) if padding == "same" else (0, 0))
