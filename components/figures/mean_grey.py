"""The grey that stands for nothing: the mean of the data, where that is known."""

from typing import NamedTuple

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.net.layers import MeanImage

MIDDLE = 128.0
UNKNOWN = "128, since no mean is known"
# Examples whose mean is taken: more would change nothing that can be seen.
MOST = 1000
BATCH = 64
SPLIT = "validation"


class MeanGrey(NamedTuple):
    """What hidden parts of images show.

    Attributes:
        values: RGB 0..255, as the model lays images out: a whole image, or one pixel.
        source: where it is from.
    """

    values: np.ndarray
    source: str


def mean_grey(deconvnet: Deconvnet, image_input: ImageInput, examples: Examples | None = None) -> MeanGrey:
    """Finds the mean of the data: of examples, else the mean image that the model subtracts, else the middle of all values.

    Where the model subtracts a mean image, its pixels become exactly 0 in the net.

    Args:
        deconvnet: of the model.
        image_input: of the model.
        examples: whose mean colour is taken, over up to a thousand of the validation split; None for none.

    Returns:
        The mean.
    """
    if examples is not None:
        batches = central_crops(examples, SPLIT, size=image_input.side, batch_size=BATCH, most=MOST)
        sums = [(images.sum(axis=(0, 1, 2), dtype=np.float64), images[..., 0].size) for images, _, _ in batches.as_numpy_iterator()]
        mean = sum(part for part, _ in sums) / sum(pixels for _, pixels in sums)
        return MeanGrey(_pixel(mean, image_input), "the mean colour of DATA")
    for layer in deconvnet.model._flatten_layers():
        if isinstance(layer, MeanImage):
            return MeanGrey(np.asarray(layer.mean), "the mean image that the model subtracts")
    return MeanGrey(_pixel(np.full(3, MIDDLE), image_input), UNKNOWN)


def _pixel(colour: np.ndarray, image_input: ImageInput) -> np.ndarray:
    return image_input.to_model_layout(colour.reshape(1, 1, 1, 3))[0]
