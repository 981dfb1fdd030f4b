"""Operations that slide a window over their input: how their transpose on windows gives that of a whole map."""

import tensorflow as tf

from zfnet.model.deconvnet.rules.rule import Affine, Function, Kept, transposed
from zfnet.model.deconvnet.rules.window import Window


class Sliding(Affine):
    """An affine map that slides: a convolution of any kind, an average pooling without padding.

    Args:
        function: the operation upwards.
        window: what one output position sees.
        unpadded: the same map with `valid` padding.
        channels: maps of its input.
    """

    window: Window

    def __init__(self, function: Function, window: Window, unpadded: Function, channels: int) -> None:
        super().__init__(function, window, local=True)
        self.unpadded, self.channels = unpadded, channels

    def spread(self, signal: tf.Tensor, kept: Kept) -> tf.Tensor:
        """Returns the transpose of the unpadded map."""
        size = self.window.seen(tuple(signal.shape[1:3]))
        return transposed(self.unpadded, signal, [(*size, self.channels)])[0]


def cut_padding(spread: tf.Tensor, window: Window, shape: tuple[int, ...]) -> tf.Tensor:
    """Cuts what a whole map spreads to down to the map below.

    Args:
        spread: float tensor `(M, h, w, maps)`, padding included.
        window: of the operation.
        shape: `(height, width, maps)` of the map below.

    Returns:
        Float tensor `(M, *shape)`: padding cut off, and zeros where no window reaches.
    """
    before = window.padding(shape[:2])
    inside = spread[:, before[0] : before[0] + shape[0], before[1] : before[1] + shape[1]]
    missing = [length - reached for length, reached in zip(shape[:2], inside.shape[1:3], strict=True)]
    return tf.pad(inside, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]]) if any(missing) else inside
