"""EXIF orientation of a JPEG, read by TensorFlow operations, since none of its decoders applies it."""

from collections.abc import Callable

import tensorflow as tf

# Cameras write the description first, and it can't be longer than a segment, 64 KiB.
LOOKED_AT = 1 << 18
START_OF_SCAN, APP1 = 0xDA, 0xE1
EXIF = [ord(letter) for letter in "Exif\0\0"]
BEGINNING = 4 + len(EXIF)  # of a segment: marker, length, and what follows them
ORIENTATION = 0x0112
UPRIGHT = 1
# What has to be done to the pixels: swap rows and columns, then reverse the rows, then the columns.
SWAPPED, ROWS_REVERSED, COLUMNS_REVERSED = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)


def exif_orientation(encoded: tf.Tensor) -> tf.Tensor:
    """Reads the EXIF orientation of a JPEG.

    Args:
        encoded: string scalar, the bytes of a file.

    Returns:
        int32 scalar, 1 to 8; 1, which is upright, of a file that does not say, or is no JPEG.
    """
    return value_or(_read, encoded, tf.constant(UPRIGHT))


def turn_upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns the pixels of a file the way that they are meant to be seen.

    Args:
        image: tensor `(height, width, channels)`, as stored.
        orientation: int32 scalar, 1 to 8; see `exif_orientation`.

    Returns:
        The image, of height and width exchanged where it was turned by a quarter.
    """

    def among(orientations):
        return tf.reduce_any(orientation == tf.constant(orientations))

    image = tf.cond(among(SWAPPED), lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    image = tf.cond(among(ROWS_REVERSED), lambda: image[::-1], lambda: image)
    return tf.cond(among(COLUMNS_REVERSED), lambda: image[:, ::-1], lambda: image)


def _read(encoded):
    raw = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 0, LOOKED_AT), tf.uint8), tf.int32)
    # Most files do not say. That must not raise: of every error TensorFlow writes a line to the log of whoever serves, caught or not.
    size, raw = tf.size(raw), tf.pad(raw, [[0, BEGINNING]])

    def is_exif(at):
        return (raw[at + 1] == APP1) & tf.reduce_all(raw[at + 4 : at + 10] == tf.constant(EXIF))

    def is_before(at):
        return (raw[at] == 0xFF) & (raw[at + 1] != START_OF_SCAN) & ~is_exif(at)

    def following(at):
        # A segment is FF, its kind, and its length, which counts itself.
        return (tf.minimum(at + 2 + raw[at + 2] * 256 + raw[at + 3], size),)

    (at,) = tf.while_loop(is_before, following, (tf.minimum(2, size),))
    return tf.cond(is_exif(at), lambda: _orientation_of(raw[at + 10 :]), lambda: UPRIGHT)


def _orientation_of(tiff):
    least_first = tiff[0] == ord("I")

    def number(digits):
        digits = tf.where(least_first, digits[..., ::-1], digits)
        return tf.tensordot(digits, tf.constant([256**power for power in range(digits.shape[-1])][::-1]), 1)

    directory = number(tf.ensure_shape(tiff[4:8], (4,)))
    count = number(tf.ensure_shape(tiff[directory : directory + 2], (2,)))
    entries = tf.reshape(tiff[directory + 2 : directory + 2 + 12 * count], (count, 12))
    # An entry: its tag, the type of its value, how many, and the value, here of two bytes.
    values = tf.boolean_mask(number(entries[:, 8:10]), number(entries[:, :2]) == ORIENTATION)
    said = tf.concat([values, [UPRIGHT]], 0)[0]
    return tf.where((said >= 1) & (said <= 8), said, UPRIGHT)


def value_or(function: Callable[[tf.Tensor], tf.Tensor], argument: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
    """Calls a function whose operations may raise. Within a graph nothing but a data set catches what they raise.

    Args:
        function: of one tensor; returns a tensor.
        argument: what it takes.
        otherwise: stands for the result if the function raised; of the result's type and number of dimensions.

    Returns:
        What the function returned, or `otherwise`.

    Examples:
        >>> value_or(tf.io.decode_png, b"no image", tf.zeros((0, 0, 3), tf.uint8)).shape
        TensorShape([0, 0, 3])
    """
    tried = tf.data.Dataset.from_tensors(argument).map(function).ignore_errors()
    return tried.concatenate(tf.data.Dataset.from_tensors(otherwise)).take(1).get_single_element()
