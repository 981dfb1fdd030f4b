"""Decode the BMP files that TensorFlow reads only in part, in TensorFlow alone."""

import tensorflow as tf

from zfnet.components.serving.encoded_bytes import number_at

UNREADABLE_BMP = "a BMP of a kind that can't be read: 8, 24 or 32 bits a pixel without compression are expected; save it as PNG"
# Bytes of the headers that have the same layout; that of OS/2, 12 bytes, has another.
HEADERS = (40, 52, 56, 64, 108, 124)
WITH_ALPHA = 56  # bytes of the shortest header that has a mask for it
FILE_HEADER = 14
BITS = (8, 24, 32)  # a pixel
PLAIN, BIT_FIELDS = 0, 3  # compressions
# Bits of red, green, blue and alpha in the only order that TensorFlow knows, as signed numbers.
BGR, ALPHA = [0xFF0000, 0xFF00, 0xFF], -0x1000000


def decode_bmp(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a BMP: uint8 `(height, width, 4)`, RGB and alpha.

    TensorFlow's own operation takes the numbers of a palette for grey values, and says nothing of compression. Files of 1, 4 and 16 bits a
    pixel, of OS/2 and with compression are refused.

    Raises:
        tf.errors.InvalidArgumentError: the file can't be decoded.
    """
    header, bits, compression = (number_at(encoded, first, kind) for first, kind in ((14, tf.int32), (28, tf.int16), (30, tf.int32)))
    known = tf.reduce_any(header == HEADERS) & tf.reduce_any(bits == BITS) & ((compression == PLAIN) | (bits == 32))
    header = _checked(header, known & (number_at(encoded, 10, tf.int32) >= FILE_HEADER + header))
    return tf.case(
        [(bits == 32, lambda: _of_fields(encoded, header, compression)), (bits == 8, lambda: _of_palette(encoded, header))],
        default=lambda: _opaque(tf.io.decode_bmp(encoded, channels=3)),
    )


def _of_palette(encoded, header):
    numbers = tf.io.decode_bmp(encoded)[..., 0]  # the only channel of eight bits a pixel
    named = number_at(encoded, 46, tf.int32)
    colours = tf.where(named == 0, 256, named)
    table = tf.strings.substr(encoded, FILE_HEADER + header, 4 * colours)
    palette = tf.reshape(tf.io.decode_raw(table, tf.uint8), (-1, 4))[:, 2::-1]
    within = number_at(encoded, 10, tf.int32) >= FILE_HEADER + header + 4 * colours
    known = tf.cast(tf.reduce_max(numbers), tf.int32) < colours
    numbers = _checked(numbers, within & known)
    return _opaque(tf.gather(palette, tf.cast(numbers, tf.int32)))


def _of_fields(encoded, header, compression):
    pixels = tf.io.decode_bmp(encoded, channels=4)

    def masked():
        masks = tf.stack([number_at(encoded, 54 + 4 * place, tf.int32) for place in range(4)])
        alpha = tf.where(header >= WITH_ALPHA, masks[3], 0)
        known = tf.reduce_all(masks[:3] == BGR) & ((alpha == 0) | (alpha == ALPHA))
        return _checked(tf.cond(alpha == ALPHA, lambda: pixels, lambda: _opaque(pixels[..., :3])), known & (compression == BIT_FIELDS))

    return tf.cond(compression == PLAIN, lambda: _opaque(pixels[..., :3]), masked)


def _opaque(colours):
    return tf.concat([colours, tf.fill(tf.concat([tf.shape(colours)[:2], [1]], 0), tf.constant(255, tf.uint8))], -1)


def _checked(value, readable):
    with tf.control_dependencies([tf.debugging.Assert(readable, [UNREADABLE_BMP])]):
        return tf.identity(value)
