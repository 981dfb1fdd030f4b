"""The bytes of an image that somebody sent, made what the net takes, in TensorFlow alone."""

import tensorflow as tf

from zfnet.components.inputs.photograph import MAX_ENCODED_BYTES, MAX_PIXELS
from zfnet.components.serving.exif_orientation import exif_orientation, turn_upright, value_or

UNREADABLE = "not an image that can be read: a whole JPEG, PNG, GIF or BMP file is expected"
TOO_LARGE = f"an image of more than {MAX_PIXELS} pixels"
WHITE = 255


def served_image(encoded: tf.Tensor, *, side: int, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes an image and cuts its centre out as `prepare_image` does, if it can be read.

    Args:
        encoded: string scalar, the bytes of a file.
        side: side that the shortest side is scaled to, in pixels.
        size: side of the central crop, in pixels.

    Returns:
        float32 tensor `(size, size, 3)`, values 0..255, black where there is no image to see; and a string scalar that says why, or
        is empty.
    """
    pixels = value_or(_declared_pixels, encoded, tf.constant(-1, tf.int64))
    allowed = (pixels >= 0) & (pixels <= MAX_PIXELS) & (tf.strings.length(encoded) <= MAX_ENCODED_BYTES)
    # A broken one becomes an image without pixels: that tells it from a black one.
    nothing = tf.zeros((0, size, 3))
    image = tf.cond(
        allowed, lambda: value_or(lambda content: prepare_image(content, side=side, size=size), encoded, nothing), lambda: nothing
    )
    read = tf.shape(image)[0] == size
    image = tf.cond(read, lambda: image, lambda: tf.zeros((size, size, 3)))
    error = tf.where(read, "", tf.where(pixels > MAX_PIXELS, TOO_LARGE, UNREADABLE))
    return tf.ensure_shape(image, (size, size, 3)), error


def prepare_image(encoded: tf.Tensor, *, side: int, size: int) -> tf.Tensor:
    """Decodes an image and cuts its centre out, in TensorFlow, as `prepare_photograph` and the central crop do in Pillow.

    Its EXIF orientation is applied, and transparent pixels are laid over white.

    Args:
        encoded: string scalar, the bytes of a JPEG, PNG, BMP or GIF file.
        side: side that the shortest side is scaled to, in pixels.
        size: side of the central crop, in pixels.

    Returns:
        float32 tensor `(size, size, 3)`, values 0..255.

    Raises:
        tf.errors.InvalidArgumentError: the bytes can't be decoded.
    """
    image = turn_upright(_decode(encoded), exif_orientation(encoded))
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
        # Of fewer than eight bits a sample, pixels without transparency get the largest number of so many bits, and not 255.
        depth = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 24, 1), tf.uint8)[0], tf.int32)
        largest = tf.cast(tf.bitwise.left_shift(1, tf.minimum(depth, 8)) - 1, tf.uint8)
        alpha = tf.cond(tf.reduce_all(alpha == largest), lambda: tf.ones_like(alpha, tf.float32), lambda: tf.cast(alpha, tf.float32) / 255)
        return tf.cast(tf.round(tf.cast(image[..., :3], tf.float32) * alpha + WHITE * (1 - alpha)), tf.uint8)

    image = tf.cond(_starts(encoded, b"\x89PNG"), over_white, opaque)
    return tf.ensure_shape(image, (None, None, 3))


def _declared_pixels(encoded):
    """What a file says of its size, before anything is decoded: int64 scalar."""

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
