"""Operations of TensorFlow on the bytes of a file, a string scalar."""

from collections.abc import Callable

import tensorflow as tf


def starts_with(encoded: tf.Tensor, magic: bytes) -> tf.Tensor:
    """Whether the file begins with some bytes: a bool scalar."""
    return tf.strings.substr(encoded, 0, len(magic)) == magic


def number_at(encoded: tf.Tensor, first: int | tf.Tensor, kind: tf.DType, *, least_first: bool = True) -> tf.Tensor:
    """Reads the number of type `kind`, an int32 scalar, that begins at byte `first`; raises if the file ends before."""
    digits = tf.strings.substr(encoded, first, kind.size)
    return tf.cast(tf.io.decode_raw(digits, kind, little_endian=least_first)[0], tf.int32)


def value_or(function: Callable[[tf.Tensor], tf.Tensor], argument: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
    """Calls a function whose operations may raise, and replaces its result then; in a graph only a data set catches errors."""
    tried = tf.data.Dataset.from_tensors(argument).map(function).ignore_errors()
    return tried.concatenate(tf.data.Dataset.from_tensors(otherwise)).take(1).get_single_element()
