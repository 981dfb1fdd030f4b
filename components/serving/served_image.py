"""Turn the bytes of an image file into the input of a net, in TensorFlow alone, as a SavedModel needs it."""

import functools

import tensorflow as tf

from zfnet.components.inputs import photograph
from zfnet.components.serving.bmp import UNREADABLE_BMP, decode_bmp
from zfnet.components.serving.encoded_bytes import number_at, starts_with, value_or
from zfnet.components.serving.exif_orientation import exif_orientation
from zfnet.components.serving.gif import UNREADABLE_GIF, first_picture

UNREADABLE = "not an image that can be read: a whole JPEG, PNG, GIF or BMP file is expected"
TOO_LARGE = f"an image of {photograph.TOO_LARGE}"
PNG, GIF, BMP = b"\x89PNG", b"GIF8", b"BM"
WHITE, OPAQUE = 255, 255
OS2_HEADER = 12  # bytes
START_OF_IMAGE, ADOBE = b"\xff\xd8", b"\xff\xee\x00\x0eAdobe" + bytes(7)
# The orientations for which rows and columns are swapped, then the rows reversed, then the columns.
SWAPPED, ROWS_REVERSED, COLUMNS_REVERSED = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)


def served_image(encoded: tf.Tensor, *, side: int, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes and crops an image as `prepare_image` does, or says why that is impossible.

    Returns:
        float32 tensor `(size, size, 3)`, values 0..255, black on an error; and a string scalar, the error or empty.
    """
    lengths = value_or(_declared_size, encoded, tf.constant([-1, -1]))
    large = (tf.reduce_prod(tf.cast(lengths, tf.int64)) > photograph.MAX_PIXELS) | (tf.reduce_max(lengths) > photograph.MAX_SIDE)
    allowed = tf.reduce_all(lengths >= 0) & ~large & (tf.strings.length(encoded) <= photograph.MAX_ENCODED_BYTES)
    # An unreadable file becomes an image without pixels, which differs from a black one.
    nothing = tf.zeros((0, size, 3))
    image = tf.cond(
        allowed, lambda: value_or(lambda content: prepare_image(content, side=side, size=size), encoded, nothing), lambda: nothing
    )
    read = tf.shape(image)[0] == size
    image = tf.cond(read, lambda: image, lambda: tf.zeros((size, size, 3)))
    unreadable = tf.where(starts_with(encoded, BMP), UNREADABLE_BMP, tf.where(starts_with(encoded, GIF), UNREADABLE_GIF, UNREADABLE))
    return tf.ensure_shape(image, (size, size, 3)), tf.where(read, "", tf.where(large, TOO_LARGE, unreadable))


def prepare_image(encoded: tf.Tensor, *, side: int, size: int) -> tf.Tensor:
    """Decodes an image and cuts its centre out, as `prepare_photograph` and the central crop do with Pillow.

    The EXIF orientation is applied, and transparent pixels are laid over white. `encoded` is a string scalar, the bytes of a JPEG, PNG,
    BMP or GIF file. The shortest side is scaled to `side` pixels, and a central square of `size` pixels a side is cut out.

    Returns:
        float32 tensor `(size, size, 3)`, values 0..255.

    Raises:
        tf.errors.InvalidArgumentError: the bytes can't be decoded.
    """
    kinds = [(PNG, _decode_png), (GIF, _decode_gif), (BMP, lambda content: _over_white(decode_bmp(content)))]
    cases = [(starts_with(encoded, magic), functools.partial(decode, encoded)) for magic, decode in kinds]
    image = tf.ensure_shape(tf.case(cases, default=lambda: _decode_jpeg(encoded)), (None, None, 3))
    image = _turn_upright(image, exif_orientation(encoded))
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


def _decode_png(encoded):
    image = tf.io.decode_png(encoded, channels=4)
    # With fewer than eight bits a sample, opaque pixels have the largest number of that many bits, and not 255.
    largest = tf.bitwise.left_shift(1, tf.minimum(number_at(encoded, 24, tf.uint8), 8)) - 1
    opaque = tf.reduce_all(tf.cast(image[..., 3], tf.int32) == largest)
    return tf.cond(opaque, lambda: image[..., :3], lambda: _over_white(image))


def _over_white(image):
    """Lays a uint8 image with alpha, `(height, width, 4)`, over white."""

    def laid():
        colours, alpha = tf.cast(image[..., :3], tf.float32), tf.cast(image[..., 3:], tf.float32) / OPAQUE
        return tf.cast(tf.round(colours * alpha + WHITE * (1 - alpha)), tf.uint8)

    return tf.cond(tf.reduce_all(image[..., 3] == OPAQUE), lambda: image[..., :3], laid)


def _decode_gif(encoded):
    return tf.io.decode_image(first_picture(encoded), channels=3, expand_animations=False)


def _decode_jpeg(encoded):
    raw, shape = tf.io.decode_raw(encoded, tf.uint8), tf.image.extract_jpeg_shape(encoded)
    # The head of a scan: its marker, its length, and its number of components. A few bytes make the decoder pass over all pixels.
    head = (raw[:-4] == 0xFF) & (raw[1:-3] == 0xDA) & (raw[2:-2] == 0) & (raw[3:-1] == 6 + 2 * raw[4:]) & (raw[4:] <= 4)
    scanned = tf.math.count_nonzero(head) * tf.cast(shape[0], tf.int64) * tf.cast(shape[1], tf.int64)
    # Without Adobe's marker, TensorFlow takes the four colours of a JPEG as they are; preparation always takes them as inverted.
    marked = tf.strings.join([START_OF_IMAGE, ADOBE, tf.strings.substr(encoded, 2, -1)])
    with tf.control_dependencies([tf.debugging.Assert(scanned <= photograph.MAX_SCANNED_PIXELS, ["too many scans"])]):
        encoded = tf.where(shape[2] == 4, marked, encoded)
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _declared_size(encoded):
    """Reads height and width in a file's header, int32 `(2,)`, before anything is decoded."""

    def pair(first, kind, *, least_first=True):
        return tf.stack([number_at(encoded, at, kind, least_first=least_first) for at in (first, first + kind.size)])

    def bmp():
        of_windows, of_os2 = tf.abs(pair(18, tf.int32)), pair(18, tf.uint16)
        return tf.where(number_at(encoded, 14, tf.int32) == OS2_HEADER, of_os2, of_windows)

    kinds = [
        (PNG, lambda: pair(16, tf.int32, least_first=False)),
        (GIF, lambda: pair(6, tf.uint16)),
        (BMP, bmp),
    ]
    cases = [(starts_with(encoded, magic), size) for magic, size in kinds]
    return tf.case(cases, default=lambda: tf.image.extract_jpeg_shape(encoded)[:2])


def _turn_upright(image, orientation):
    """Turns an image `(height, width, channels)` by its EXIF orientation, 1 to 8, as none of TensorFlow's decoders does."""

    def among(orientations):
        return tf.reduce_any(orientation == tf.constant(orientations))

    image = tf.cond(among(SWAPPED), lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    image = tf.cond(among(ROWS_REVERSED), lambda: image[::-1], lambda: image)
    return tf.cond(among(COLUMNS_REVERSED), lambda: image[:, ::-1], lambda: image)
