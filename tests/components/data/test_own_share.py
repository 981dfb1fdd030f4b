import pytest
import tensorflow as tf

from zfnet.components.data.own_share import own_share


def taken(count, batch_size, pipelines, number):
    numbered = tf.data.Dataset.range(count).enumerate()
    context = tf.distribute.InputContext(pipelines, number, pipelines)
    return [int(record) for _, record in own_share(numbered, batch_size, context)]


@pytest.mark.parametrize("number", [0, 1])
def test_of_every_batch_the_pipelines_take_equal_parts(number):
    assert taken(10, 4, 2, number) == [[0, 1, 4, 5, 8, 9], [2, 3, 6, 7]][number]


def test_one_pipeline_takes_all():
    assert taken(5, 2, 1, 0) == [0, 1, 2, 3, 4]
