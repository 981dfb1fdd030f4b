import tensorflow as tf

from zfnet.components.evaluation.all_gpus import all_gpus


def test_without_several_gpus_the_strategy_of_the_scope_stays():
    assert len(tf.config.list_logical_devices("GPU")) < 2
    assert all_gpus() is tf.distribute.get_strategy()
    one = tf.distribute.OneDeviceStrategy("cpu:0")
    with one.scope():
        assert all_gpus() is one
