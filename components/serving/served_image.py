"""Turn the bytes of an image file into the input of a net, in TensorFlow alone, as a SavedModel needs it."""

import tensorflow as tf

from zfnet.components.inputs.photograph import MAX_ENCODED_BYTES, MAX_PIXELS

UNREADABLE = "not an image that can be read: a whole JPEG, PNG, GIF or BMP file is expected"
TOO_LARGE = f"an image of more than {MAX_PIXELS} pixels"
WHITE = 255
# Cameras write the EXIF segment first, and a segment has at most 64 KiB.
SEARCHED_BYTES = 1 << 18
START_OF_SCAN, APP1 = 0xDA, 0xE1
EXIF = [ord(letter) for letter in "Exif\0\0"]
SEGMENT_HEAD = 4 + len(EXIF)  # bytes of marker, length and identifier
ORIENTATION = 0x0112
UPRIGHT = 1
# The orientations for which rows and columns are swapped, then the rows reversed, then the columns.
SWAPPED, ROWS_REVERSED, COLUMNS_REVERSED = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)


def served_image(encoded: tf.Tensor, *, side: int, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes and crops an image as `prepare_image` does, or says why that is impossible.

    Returns:
        float32 tensor `(size, size, 3)`, values 0..255, black on an error; and a string scalar, the error or empty.
    """
    pixels = _value_or(_declared_pixels, encoded, tf.constant(-1, tf.int64))
    allowed = (pixels >= 0) & (pixels <= MAX_PIXELS) & (tf.strings.length(encoded) <= MAX_ENCODED_BYTES)
    # An unreadable file becomes an image without pixels, which differs from a black one.
    nothing = tf.zeros((0, size, 3))
    image = tf.cond(
        allowed, lambda: _value_or(lambda content: prepare_image(content, side=side, size=size), encoded, nothing), lambda: nothing
    )
    read = tf.shape(image)[0] == size
    image = tf.cond(read, lambda: image, lambda: tf.zeros((size, size, 3)))
    error = tf.where(read, "", tf.where(pixels > MAX_PIXELS, TOO_LARGE, UNREADABLE))
    return tf.ensure_shape(image, (size, size, 3)), error


def prepare_image(encoded: tf.Tensor, *, side: int, size: int) -> tf.Tensor:
    """Decodes an image and cuts its centre out, as `prepare_photograph` and the central crop do with Pillow.

    The EXIF orientation is applied, and transparent pixels are laid over white. `encoded` is a string scalar, the bytes of a JPEG, PNG,
    BMP or GIF file. The shortest side is scaled to `side` pixels, and a central square of `size` pixels a side is cut out.

    Returns:
        float32 tensor `(size, size, 3)`, values 0..255.

    Raises:
        tf.errors.InvalidArgumentError: the bytes can't be decoded.
    """
    image = _turn_upright(_decode(encoded), _exif_orientation(encoded))
    lengths = tf.cast(tf.shape(image)[:2], tf.float32)
    shortest = tf.reduce_min(lengths)
    scale = side / shortest
    corner = (lengths - shortest) / 2
    margin = (side - size) // 2
    resized = tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=[size, size],
        scale=tf.stack([scale, scale]),
        translation=-corner * scale - margin,
        kernel_type="keyscubic",
        antialias=True,
    )
    return tf.clip_by_value(resized[0], 0, 255)


def _decode(encoded):
    def opaque():
        return tf.io.decode_image(encoded, channels=3, expand_animations=False)

    def over_white():
        image = tf.io.decode_png(encoded, channels=4)
        alpha = image[..., 3:]
        # With fewer than eight bits a sample, opaque pixels have the largest number of that many bits, and not 255.
        depth = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 24, 1), tf.uint8)[0], tf.int32)
        largest = tf.cast(tf.bitwise.left_shift(1, tf.minimum(depth, 8)) - 1, tf.uint8)
        alpha = tf.cond(tf.reduce_all(alpha == largest), lambda: tf.ones_like(alpha, tf.float32), lambda: tf.cast(alpha, tf.float32) / 255)
        return tf.cast(tf.round(tf.cast(image[..., :3], tf.float32) * alpha + WHITE * (1 - alpha)), tf.uint8)

    image = tf.cond(_starts(encoded, b"\x89PNG"), over_white, opaque)
    return tf.ensure_shape(image, (None, None, 3))


def _declared_pixels(encoded):
    """Reads the number of pixels in a file's header, an int64 scalar, before anything is decoded."""

    def number(first, last, kind, *, least_first):
        digits = tf.strings.substr(encoded, first, last - first)
        return tf.cast(tf.io.decode_raw(digits, kind, little_endian=least_first)[0], tf.int64)

    def png():
        return number(16, 20, tf.int32, least_first=False) * number(20, 24, tf.int32, least_first=False)

    def gif():
        return number(6, 8, tf.uint16, least_first=True) * number(8, 10, tf.uint16, least_first=True)

    def bmp():
        return tf.abs(number(18, 22, tf.int32, least_first=True) * number(22, 26, tf.int32, least_first=True))

    def jpeg():
        return tf.reduce_prod(tf.cast(tf.image.extract_jpeg_shape(encoded)[:2], tf.int64))

    kinds = [(b"\x89PNG", png), (b"GIF8", gif), (b"BM", bmp)]
    return tf.case([(_starts(encoded, magic), pixels) for magic, pixels in kinds], default=jpeg)


def _starts(encoded, magic):
    return tf.strings.substr(encoded, 0, len(magic)) == magic


def _turn_upright(image, orientation):
    """Turns an image `(height, width, channels)` by its EXIF orientation, 1 to 8, as none of TensorFlow's decoders does."""

    def among(orientations):
        return tf.reduce_any(orientation == tf.constant(orientations))

    image = tf.cond(among(SWAPPED), lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    image = tf.cond(among(ROWS_REVERSED), lambda: image[::-1], lambda: image)
    return tf.cond(among(COLUMNS_REVERSED), lambda: image[:, ::-1], lambda: image)


def _exif_orientation(encoded):
    """Reads the EXIF orientation of a JPEG, 1 to 8; 1, which is upright, if the file has none, or is no JPEG."""
    return _value_or(_read_orientation, encoded, tf.constant(UPRIGHT))


def _read_orientation(encoded):
    raw = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 0, SEARCHED_BYTES), tf.uint8), tf.int32)
    # Most files have none. That must not raise: TensorFlow writes every error, caught or not, to the log of the model server.
    size, raw = tf.size(raw), tf.pad(raw, [[0, SEGMENT_HEAD]])

    def is_exif(at):
        return (raw[at + 1] == APP1) & tf.reduce_all(raw[at + 4 : at + 10] == tf.constant(EXIF))

    def is_before(at):
        return (raw[at] == 0xFF) & (raw[at + 1] != START_OF_SCAN) & ~is_exif(at)

    def following(at):
        # A segment is FF, its kind, and its length, which counts itself.
        return (tf.minimum(at + 2 + raw[at + 2] * 256 + raw[at + 3], size),)

    (at,) = tf.while_loop(is_before, following, (tf.minimum(2, size),))
    return tf.cond(is_exif(at), lambda: _orientation_in(raw[at + 10 :]), lambda: UPRIGHT)


def _orientation_in(tiff):
    least_first = tiff[0] == ord("I")

    def number(digits):
        digits = tf.where(least_first, digits[..., ::-1], digits)
        return tf.tensordot(digits, tf.constant([256**power for power in range(digits.shape[-1])][::-1]), 1)

    directory = number(tf.ensure_shape(tiff[4:8], (4,)))
    count = number(tf.ensure_shape(tiff[directory : directory + 2], (2,)))
    entries = tf.reshape(tiff[directory + 2 : directory + 2 + 12 * count], (count, 12))
    # An entry: its tag, the type of its value, how many, and the value, here of two bytes.
    values = tf.boolean_mask(number(entries[:, 8:10]), number(entries[:, :2]) == ORIENTATION)
    first = tf.concat([values, [UPRIGHT]], 0)[0]
    return tf.where((first >= 1) & (first <= 8), first, UPRIGHT)


def _value_or(function, argument, otherwise):
    """Calls a function whose operations may raise, and replaces its result then; in a graph only a data set catches errors."""
    tried = tf.data.Dataset.from_tensors(argument).map(function).ignore_errors()
    return tried.concatenate(tf.data.Dataset.from_tensors(otherwise)).take(1).get_single_element()
