"""Fill value of hidden parts of images: the mean of the data, or a middle grey."""

from typing import NamedTuple

import numpy as np

from zfnet.components.figures.image_set import ImageSet
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.net.layers import MeanImage

MIDDLE = 128.0
UNKNOWN = "128, since no mean is known"
# Images whose mean is taken: more would change nothing that can be seen.
MOST = 1000


class MeanGrey(NamedTuple):
    """The pixels that hidden parts of images show.

    Attributes:
        values: RGB 0..255, in the layout of the model: a whole image, or one pixel.
        source: where they are from, for people.
    """

    values: np.ndarray
    source: str


def mean_grey(deconvnet: Deconvnet, image_input: ImageInput, images: ImageSet | None = None) -> MeanGrey:
    """Finds the mean of the data: of images, else the mean image that the model subtracts, else the middle of all values.

    Where the model subtracts a mean image, its pixels become exactly 0 in the net.

    Args:
        deconvnet: of the model.
        image_input: of the model.
        images: whose mean colour is taken, over the first thousand; None for none.
    """
    if images is not None:
        total, pixels = np.zeros(3), 0
        for batch, numbers in images.batches("Averaging colours", None):
            pictures = image_input.pictures(batch[numbers < MOST])
            total, pixels = total + pictures.sum(axis=(0, 1, 2), dtype=np.float64), pixels + pictures[..., 0].size
            if numbers[-1] + 1 >= MOST:
                break
        return MeanGrey(_pixel(total / pixels, image_input), "the mean colour of DATA")
    for layer in deconvnet.model._flatten_layers():
        if isinstance(layer, MeanImage):
            return MeanGrey(np.asarray(layer.mean), "the mean image that the model subtracts")
    return MeanGrey(_pixel(np.full(3, MIDDLE), image_input), UNKNOWN)


def _pixel(colour: np.ndarray, image_input: ImageInput) -> np.ndarray:
    return image_input.to_model_layout(colour.reshape(1, 1, 1, 3))[0]
