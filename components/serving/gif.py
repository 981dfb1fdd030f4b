"""Takes the first picture out of a GIF, in TensorFlow alone, whose decoder ignores transparency and decodes the whole animation."""

import tensorflow as tf

UNREADABLE_GIF = "a GIF that can't be read: one whose first picture is whole and covers it is expected; save it as PNG"
EXTENSION, CONTROL, PICTURE = 0x21, 0xF9, 0x2C
SCREEN_END = 13  # bytes before the palette: signature, size, flags
# A picture is written in blocks of at most 255 bytes. Limits of its blocks, 16 MB, and of the extensions before it bound the time that a
# hostile file takes.
MOST_BLOCKS, MOST_EXTENSIONS = 1 << 16, 64
NO_COLOUR = -1


def first_picture(encoded: tf.Tensor) -> tf.Tensor:
    """Cuts a GIF, a string scalar, after its first picture, and makes the transparent colour white.

    A short animation may hold gigabytes, all of which TensorFlow would decode.

    Raises:
        tf.errors.InvalidArgumentError: the file is damaged, or its first picture does not cover it.
    """
    raw = tf.io.decode_raw(encoded, tf.uint8)

    def byte(at):
        return tf.cast(raw[at], tf.int32)

    def pair(at):
        return byte(at) + 256 * byte(at + 1)

    def after_table(at, flags):
        """The end of a palette that begins at `at`, of which bit 7 says whether it is there, and bits 0 to 2 how long it is."""
        return at + tf.where(flags & 0x80 != 0, 3 * tf.bitwise.left_shift(2, flags & 7), 0)

    def after_blocks(at):
        (end,) = tf.while_loop(lambda at: byte(at) != 0, lambda at: (at + 1 + byte(at),), (at,), maximum_iterations=MOST_BLOCKS)
        with tf.control_dependencies([tf.debugging.Assert(byte(end) == 0, [UNREADABLE_GIF])]):
            return end + 1

    def after_extension(at, transparent):
        is_control = byte(at + 1) == CONTROL
        told = tf.where(byte(at + 3) & 1 != 0, byte(at + 6), NO_COLOUR)
        return after_blocks(at + 2), tf.where(is_control, told, transparent)

    start = after_table(SCREEN_END, byte(10))
    at, transparent = tf.while_loop(
        lambda at, _: byte(at) == EXTENSION, after_extension, (start, NO_COLOUR), maximum_iterations=MOST_EXTENSIONS
    )
    covers = (pair(at + 1) == 0) & (pair(at + 3) == 0) & (pair(at + 5) == pair(6)) & (pair(at + 7) == pair(8))
    with tf.control_dependencies([tf.debugging.Assert((byte(at) == PICTURE) & covers, [UNREADABLE_GIF])]):
        flags = byte(at + 9)
    pixels = after_table(at + 10, flags)
    end = after_blocks(pixels + 1)
    # Without the extensions no colour is transparent.
    cut = tf.strings.join([tf.strings.substr(encoded, 0, start), tf.strings.substr(encoded, at, end - at), b";"])
    own = flags & 0x80 != 0
    table, table_end = tf.where(own, start + 10, SCREEN_END), tf.where(own, start + pixels - at, start)
    colour = table + 3 * transparent

    def whitened():
        return tf.strings.join([tf.strings.substr(cut, 0, colour), b"\xff\xff\xff", tf.strings.substr(cut, colour + 3, -1)])

    return tf.cond((transparent != NO_COLOUR) & (colour < table_end), whitened, lambda: cut)
