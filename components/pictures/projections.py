"""Projections and the image patches they belong to, side by side and ready to be drawn."""

import numpy as np

from zfnet.components.pictures.signed import signed_to_rgb
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.receptive_field import receptive_field
from zfnet.model.deconvnet.frame import cut_window

# Images recorded together.
BATCH = 32
GREY = 128


def project_to_patches(deconvnet: Deconvnet, inputs, photographs, layer: str, units, positions) -> tuple[list, list]:
    """Projects one activation of each image, cut to the receptive field, and cuts the same window out of the photograph.

    Zeiler & Fergus 2013, Fig. 2. Where the receptive field is larger than the image, the whole image is shown. Where a window
    leaves the image, it is padded with grey.

    Args:
        deconvnet: of the model.
        inputs: float array `(N, H, W, 3)`, the images as the model takes them.
        photographs: float array `(N, H, W, 3)`, the same images as people see them, values 0..255.
        layer: name of a layer with feature maps.
        units: `(N,)` ints, which feature map of each image.
        positions: `(N, 2)` ints, which row and column of it.

    Returns:
        Two lists of N uint8 arrays `(height, width, 3)`: projections and patches.
    """
    field = receptive_field(deconvnet.model, layer)
    whole = all(length >= limit for length, limit in zip(field.size, inputs.shape[1:3], strict=True))
    projections, patches = [], []
    for start in range(0, len(inputs), BATCH):
        part = slice(start, start + BATCH)
        recording = deconvnet.record(inputs[part])
        if whole:
            projected = recording.project(layer, units[part], positions[part])
            windows = photographs[part]
        else:
            projected, corners = recording.project_patches(layer, units[part], positions[part])
            pairs = zip(photographs[part], corners, strict=True)
            windows = [cut_window(photograph - GREY, corner, field.size) + GREY for photograph, corner in pairs]
        projections.extend(signed_to_rgb(projected))
        patches.extend(np.clip(np.rint(window), 0, 255).astype(np.uint8) for window in windows)
    return projections, patches
