import pytest
import tensorflow as tf

from zfnet.components.serving.encoded_bytes import number_at, starts_with, value_or

ENCODED = tf.constant(b"BM\x01\x02\xff\xff\xff\xff")


def test_how_a_file_begins():
    assert starts_with(ENCODED, b"BM")
    assert not starts_with(ENCODED, b"GIF8")
    assert not starts_with(tf.constant(b"B"), b"BM")


def test_numbers_of_a_header():
    assert number_at(ENCODED, 2, tf.uint16) == 0x0201
    assert number_at(ENCODED, 2, tf.uint16, least_first=False) == 0x0102
    assert number_at(ENCODED, 4, tf.int32) == -1
    with pytest.raises(tf.errors.InvalidArgumentError):
        number_at(ENCODED, 6, tf.int32)


def root(number):
    with tf.control_dependencies([tf.debugging.assert_non_negative(number)]):
        return tf.sqrt(number)


def test_result_or_what_stands_for_it():
    assert value_or(root, tf.constant(9.0), tf.constant(-1.0)) == 3
    assert value_or(root, tf.constant(-9.0), tf.constant(-1.0)) == -1


def test_in_a_graph_one_failure_leaves_the_others():
    roots = tf.function(lambda numbers: tf.map_fn(lambda number: value_or(root, number, tf.constant(-1.0)), numbers))
    assert roots(tf.constant([4.0, -1.0, 16.0])).numpy().tolist() == [2, -1, 4]
