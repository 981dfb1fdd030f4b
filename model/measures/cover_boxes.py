"""Images with something put over a part of them."""

import numpy as np


def cover_boxes(images: np.ndarray, boxes: np.ndarray, fill: np.ndarray, channels_first: bool = False) -> np.ndarray:
    """Puts a box over each image.

    Args:
        images: `(N, ...)`, as the model takes them.
        boxes: `(N, 4)` ints: left, top, width, height, in pixels of the image.
        fill: what the box shows, of the shape of one image or of its colour: `(H, W, 3)` or `(3,)`; `(3, H, W)` or `(3, 1, 1)`.
        channels_first: whether the images are `(3, H, W)`.

    Returns:
        A copy.
    """
    height, width = images.shape[2:4] if channels_first else images.shape[1:3]
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    left, top, right, bottom = (edge[:, None, None] for edge in (*boxes[:, :2].T, *(boxes[:, :2] + boxes[:, 2:]).T))
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return np.where(np.expand_dims(inside, 1 if channels_first else 3), np.asarray(fill, images.dtype), images)
