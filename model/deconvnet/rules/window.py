"""Windows that operations slide over their input."""

from collections.abc import Sequence
from typing import NamedTuple


class Window(NamedTuple):
    """Size, steps and padding of an operation that slides over its input, in input positions: a number for each spatial axis.

    An image has two spatial axes, rows and columns; a signal has one, a volume three.

    Attributes:
        size: size of the window, holes of a dilation included.
        strides: between the windows of neighbouring positions.
        before: positions of padding before the first; negative for cropping; `None` for `same` padding, which depends on the size of the
            input.
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    before: tuple[int | None, ...]

    @property
    def is_point(self) -> bool:
        """Whether an output position depends on the same input position alone."""
        return all(length == 1 for length in (*self.size, *self.strides)) and not any(pad != 0 for pad in self.before)

    def padding(self, lengths: Sequence[int | None]) -> tuple[int, ...]:
        """Positions of padding before the first, for an input of `lengths`; `same` padding needs known lengths."""
        if not self.size:
            return (0,) * len(lengths)
        return tuple(_padding(*numbers) for numbers in zip(self.size, self.strides, self.before, lengths, strict=True))

    def span(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """Size of the union of the windows of `lengths` neighbouring positions."""
        if not self.size:
            return tuple(lengths)
        return tuple((length - 1) * step + size for size, step, length in zip(self.size, self.strides, lengths, strict=True))


# For any number of axes.
POINT = Window((), (), ())
# Every output depends on the whole input.
WHOLE = Window((0,), (1,), (0,))


def sliding_window(size: Sequence[int], strides: Sequence[int], padding: str, dilation: Sequence[int] | None = None) -> Window:
    """Window of a Keras convolution or pooling, from its arguments of the same names; `padding` is `"same"`, `"valid"` or `"causal"`."""
    spans = tuple((length - 1) * rate + 1 for length, rate in zip(size, dilation or (1,) * len(size), strict=True))
    before: dict[str, tuple[int | None, ...]] = {"same": (None,) * len(spans), "causal": tuple(span - 1 for span in spans)}
    return Window(spans, tuple(strides), before.get(padding, (0,) * len(spans)))


def _padding(size: int, step: int, before: int | None, length: int | None) -> int:
    if before is not None:
        return before
    if step == 1:
        return (size - 1) // 2
    if length is None:
        raise ValueError("The model leaves its input's size open, so `same` padding is not known; build it for one size.")
    # Padding that TensorFlow's SAME adds before.
    return max((-(-length // step) - 1) * step + size - length, 0) // 2
