"""Reads the orientation of a JPEG or PNG from its bytes, in TensorFlow alone; its decoders ignore it."""

import tensorflow as tf

from zfnet.components.serving.encoded_bytes import number_at, starts_with, value_or

UPRIGHT, MISSING = 1, 0
# Cameras write the EXIF segment first, and a segment has at most 64 KiB.
SEARCHED_BYTES = 1 << 18
START_OF_SCAN, APP1 = 0xDA, 0xE1
EXIF = [ord(letter) for letter in "Exif\0\0"]
SEGMENT_HEAD = 4 + len(EXIF)  # bytes of marker, length and identifier
# A PNG is a signature and chunks. Files have hundreds; the limit bounds the time that a hostile one takes.
PNG_SIGNATURE, MOST_CHUNKS = 8, 1 << 16
ORIENTATION, TIFF = 0x0112, 42
SHORTS, LONGS = (3, 8), (4, 9)  # types of a value of two bytes, and of four
# What stands in the XMP of editors that write no EXIF. `\C` is any byte, whether or not it is text.
XMP_ORIENTATION = r'\C*?tiff:Orientation(?:="|>)([0-9])\C*'


def exif_orientation(encoded: tf.Tensor) -> tf.Tensor:
    """Reads how an image file is to be turned, an int32 scalar 1 to 8; 1, which is upright, if it does not say so.

    `encoded` is a string scalar, the bytes of an image file. The value is that of the EXIF data; without one, that of the XMP data.
    """
    orientation = value_or(read_orientation, encoded, tf.constant(UPRIGHT))
    return tf.where((orientation >= 1) & (orientation <= 8), orientation, UPRIGHT)


def read_orientation(encoded: tf.Tensor) -> tf.Tensor:
    """Reads the orientation as it is written, valid or not, 0 if there is none; fails if the data are damaged.

    Healthy files raise nothing: TensorFlow writes every error, caught or not, to the log of a model server.
    """
    from_exif = tf.cond(starts_with(encoded, b"\xff\xd8"), lambda: _in_jpeg(encoded), lambda: _in_png(encoded))
    return tf.cond(from_exif == MISSING, lambda: _in_xmp(encoded), lambda: from_exif)


def _in_jpeg(encoded):
    raw = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 0, SEARCHED_BYTES), tf.uint8), tf.int32)
    size, raw = tf.size(raw), tf.pad(raw, [[0, SEGMENT_HEAD]])

    def is_exif(at):
        return (raw[at + 1] == APP1) & tf.reduce_all(raw[at + 4 : at + 10] == tf.constant(EXIF))

    def is_before(at):
        return (raw[at] == 0xFF) & (raw[at + 1] != START_OF_SCAN) & ~is_exif(at)

    def following(at):
        # A segment is FF, its kind, and its length, which counts itself.
        return (tf.minimum(at + 2 + raw[at + 2] * 256 + raw[at + 3], size),)

    (at,) = tf.while_loop(is_before, following, (tf.minimum(2, size),))
    return tf.cond(is_exif(at), lambda: _in_tiff(raw[at + 10 :]), lambda: MISSING)


def _in_png(encoded):
    # What is no PNG has no chunks.
    size = tf.where(starts_with(encoded, b"\x89PNG"), tf.strings.length(encoded), 0)

    def length(at):
        return number_at(encoded, at, tf.int32, least_first=False)

    def is_before(at):
        # Both sides are evaluated, also at the end of the file.
        return (at + 12 <= size) & (tf.strings.substr(encoded, tf.maximum(tf.minimum(at + 4, size - 8), 0), 4) != b"eXIf")

    def following(at):
        # A chunk is the length of its content, its kind, the content, and a checksum.
        return (at + 12 + tf.clip_by_value(length(at), 0, size),)

    (at,) = tf.while_loop(is_before, following, (PNG_SIGNATURE,), maximum_iterations=MOST_CHUNKS)

    def content():
        return tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, at + 8, length(at)), tf.uint8), tf.int32)

    return tf.cond(at + 12 <= size, lambda: _in_tiff(content()), lambda: MISSING)


def _in_tiff(tiff):
    least_first = tiff[0] == ord("I")

    def number(digits):
        digits = tf.where(least_first, digits[..., ::-1], digits)
        return tf.tensordot(digits, tf.constant([256**power for power in range(digits.shape[-1])][::-1]), 1)

    def orientation():
        directory = number(tf.ensure_shape(tiff[4:8], (4,)))
        count = number(tf.ensure_shape(tiff[directory : directory + 2], (2,)))
        entries = tf.reshape(tiff[directory + 2 : directory + 2 + 12 * count], (count, 12))
        # An entry: its tag, the type of its value, how many values, and these if they fit into four bytes.
        kinds, counts = number(entries[:, 2:4])[:, None], number(entries[:, 4:8])
        short, long = (tf.reduce_any(kinds == tf.constant(types), 1) for types in (SHORTS, LONGS))
        values = tf.where(short, number(entries[:, 8:10]), number(entries[:, 8:12]))
        told = (number(entries[:, :2]) == ORIENTATION) & ((short & (counts >= 1) & (counts <= 2)) | (long & (counts == 1)))
        return tf.concat([[MISSING], tf.boolean_mask(values, told)], 0)[-1]

    return tf.cond(number(tf.ensure_shape(tiff[2:4], (2,))) == TIFF, orientation, lambda: MISSING)


def _in_xmp(encoded):
    told = tf.strings.regex_replace(tf.strings.substr(encoded, 0, SEARCHED_BYTES), XMP_ORIENTATION, r"\1")
    read = (tf.strings.length(told) == 1) & (starts_with(encoded, b"\xff\xd8") | starts_with(encoded, b"\x89PNG"))
    return tf.strings.to_number(tf.where(read, told, str(MISSING)), tf.int32)
