import tensorflow as tf

from zfnet.components.serving.recovered import recovered


def root(number):
    with tf.control_dependencies([tf.debugging.assert_non_negative(number)]):
        return tf.sqrt(number)


def test_result_or_what_stands_for_it():
    assert recovered(root, tf.constant(9.0), tf.constant(-1.0)) == 3
    assert recovered(root, tf.constant(-9.0), tf.constant(-1.0)) == -1


def test_in_a_graph_one_failure_leaves_the_others():
    roots = tf.function(lambda numbers: tf.map_fn(lambda number: recovered(root, number, tf.constant(-1.0)), numbers))
    assert roots(tf.constant([4.0, -1.0, 16.0])).numpy().tolist() == [2, -1, 4]
