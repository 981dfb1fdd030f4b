"""Size and layout of the images that a model takes."""

from typing import NamedTuple

import keras
import numpy as np

OPEN_SIZE = 224


class ImageInput(NamedTuple):
    """Size, in pixels, and layout of the images that a model takes: `(3, height, width)` if `channels_first`, else `(height, width, 3)`."""

    height: int
    width: int
    channels_first: bool

    @classmethod
    def of(cls, model: keras.Model, image_size: int | None = None) -> "ImageInput":
        """Reads size and layout from any built Keras model.

        `image_size` is height and width if the model leaves them open, else its larger side; None takes 224.

        Raises:
            ValueError: the model does not take one batch of images of three channels, or can't take images of `image_size`.
        """
        channels, channels_first = image_layout(model)
        if channels != 3:
            raise ValueError(f"The model {model.name!r} takes images of one channel; expected three, see `with_preprocessing`.")
        shape = model.inputs[0].shape
        sizes = shape[2:4] if channels_first else shape[1:3]
        height, width = (size or image_size or OPEN_SIZE for size in sizes)
        if image_size not in (None, max(height, width)):
            raise ValueError(f"The model takes images of {height} x {width} pixels, not of {image_size}.")
        if None in sizes:
            _check_size(model, (height, width), channels_first)
        return cls(height, width, channels_first)

    @property
    def side(self) -> int:
        """Side of the square that images are cut to first."""
        return max(self.height, self.width)

    def crop(self, squares: np.ndarray) -> np.ndarray:
        """Cuts the centre out of squares `(N, side, side, 3)`: `(N, height, width, 3)`."""
        top, left = (self.side - self.height) // 2, (self.side - self.width) // 2
        return squares[:, top : top + self.height, left : left + self.width]

    def to_model_layout(self, pictures: np.ndarray) -> np.ndarray:
        """Moves the channels of pictures `(N, height, width, 3)` to where the model takes them."""
        return np.moveaxis(pictures, 3, 1) if self.channels_first else pictures

    def pictures(self, images: np.ndarray) -> np.ndarray:
        """The inverse of `to_model_layout`, for whole images or windows of them: `(N, h, w, 3)`."""
        return np.moveaxis(images, 1, 3) if self.channels_first else images


def image_layout(model: keras.Model) -> tuple[int, bool]:
    """The number of channels of a model's images, 3 or 1, and whether they come first.

    Raises:
        ValueError: the model does not take one batch of such images.
    """
    shapes = [tuple(tensor.shape) for tensor in getattr(model, "inputs", None) or []]
    shape = shapes[0] if len(shapes) == 1 and len(shapes[0]) == 4 else (0,) * 4
    for channels in (3, 1):
        if channels in (shape[1], shape[3]):
            return channels, shape[3] != channels
    takes = f"takes {' and '.join(map(str, shapes))}" if shapes else "is not built"
    raise ValueError(
        f"The model {model.name!r} {takes}; expected one input, images of three channels or one: (None, height, width, 3). In Python "
        "`zfnet.project` and `zfnet.gallery` also take models of signals, volumes and several inputs."
    )


def takes_photographs(model: keras.Model) -> bool:
    """Whether a model takes one batch of images of three channels or one, to which photographs can be turned."""
    try:
        image_layout(model)
    except ValueError:
        return False
    return True


def _check_size(model: keras.Model, size: tuple[int, int], channels_first: bool) -> None:
    """Fails if a model of open size can't take images of `size`: they are too small for a layer, or branches have different sizes."""
    try:
        model.compute_output_shape((1, 3, *size) if channels_first else (1, *size, 3))
    except ValueError as error:
        height, width = size
        raise ValueError(f"The model {model.name!r} can't take images of {height} x {width} pixels; give another size: {error}") from error
