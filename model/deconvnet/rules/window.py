"""The window that one position of an operation sees of the positions below it."""

from collections.abc import Sequence
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

    def padding(self, lengths: Sequence[int | None]) -> tuple[int, int]:
        """Rows and columns of padding before the first, for an input of `lengths` `(height, width)`.

        Raises:
            ValueError: if the padding depends on a length that is not known.
        """
        rows, columns = (_padding(*numbers) for numbers in zip(self.size, self.strides, self.before, lengths, strict=True))
        return rows, columns

    def seen(self, lengths: Sequence[int]) -> tuple[int, int]:
        """Size of the window that `lengths` neighbouring positions see together."""
        height, width = ((length - 1) * step + size for size, step, length in zip(self.size, self.strides, lengths, strict=True))
        return height, width


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
    height, width = ((length - 1) * rate + 1 for length, rate in zip(size, dilation, strict=True))
    down, across = strides
    return Window((height, width), (down, across), (None, None) if padding == "same" else (0, 0))


def _padding(size: int, step: int, before: int | None, length: int | None) -> int:
    if before is not None:
        return before
    if step == 1:
        return (size - 1) // 2
    if length is None:
        raise ValueError("The model leaves its input's size open, so `same` padding is not known; build it for one size.")
    # What TensorFlow's SAME padding adds before.
    return max((-(-length // step) - 1) * step + size - length, 0) // 2
