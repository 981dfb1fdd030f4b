"""The paper's ten crops of an image: four corners and the centre, each also mirrored."""

import tensorflow as tf

CROPS = 10


def crop_corner(index: int | tf.Tensor, side: int, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Top left corner of one of the ten crops.

    Args:
        index: which crop, 0..9: top left, top right, bottom left, bottom right, centre, then the five mirrored.
        side: side of the square image, in pixels.
        size: side of the crop, in pixels, at most `side`.

    Returns:
        int32 tensors `(top, left)`.
    """
    margin = side - size
    corners = tf.constant([(0, 0), (0, margin), (margin, 0), (margin, margin), (margin // 2, margin // 2)])
    corner = corners[tf.math.floormod(index, 5)]
    return corner[0], corner[1]


def ten_crop(images: tf.Tensor, size: int) -> tf.Tensor:
    """Cuts the ten crops out of every image.

    Zeiler & Fergus 2013, section 3: "10 different sub-crops of size 224x224 (corners + center with(out) horizontal flips)".

    Args:
        images: tensor of square images, shape `(batch, side, side, channels)`.
        size: side of the crops, in pixels.

    Returns:
        Tensor of shape `(batch, 10, size, size, channels)`; crops 5..9 are the first five mirrored.

    Raises:
        ValueError: if an image is not square or smaller than `size`.

    Examples:
        >>> ten_crop(tf.zeros((8, 256, 256, 3)), 224).shape
        TensorShape([8, 10, 224, 224, 3])
    """
    height, width = images.shape[1:3]
    if height != width or size > height:
        raise ValueError(f"The images are {height} x {width}; expected square ones of at least {size} x {size}.")
    crops = []
    for index in range(CROPS // 2):
        top, left = crop_corner(index, height, size)
        crops.append(images[:, top : top + size, left : left + size])
    return tf.stack(crops + [crop[:, :, ::-1] for crop in crops], axis=1)
