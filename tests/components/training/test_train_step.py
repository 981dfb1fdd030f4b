import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.data.batches import central_crops
from zfnet.components.training.train_step import NEVER, make_count_step, make_train_step, make_validate, no_totals
from zfnet.model import build

CLASSES = 7
MASKS = """
import keras, numpy as np, tensorflow as tf
from zfnet.components.training.train_step import make_train_step
from zfnet.components.training.train_step import no_totals
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
with strategy.scope():
    dense = keras.layers.Dense(2, "softmax", kernel_initializer="zeros")
    net = keras.Sequential([keras.Input((4000,)), keras.layers.Dropout(0.5), dense])
    net.compile(keras.optimizers.SGD(1.0))
data = tf.data.Dataset.from_tensors((tf.ones((2, 4000)), tf.constant([0, 0], tf.int64))).unbatch().batch(1)
batches = iter(strategy.distribute_datasets_from_function(lambda context: data))
make_train_step(net, strategy, 2)(batches, no_totals(), tf.constant(0, tf.int64))
print((dense.kernel.numpy()[:, 0] != 0).mean())
"""


def make_net(dropout=0.0):
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dropout(dropout)]
    net = keras.Sequential([keras.Input((6, 5, 3)), *layers, keras.layers.Dense(CLASSES, "softmax")])
    net.compile(keras.optimizers.SGD(0.05, momentum=0.9), keras.losses.SparseCategoricalCrossentropy())
    return net


def make_batches(steps=3, size=8):
    rng = np.random.default_rng(0)
    return [
        (tf.constant(rng.normal(size=(size, 6, 5, 3)), tf.float32), tf.constant(rng.integers(CLASSES, size=size))) for _ in range(steps)
    ]


def train(net, batches, xla=False):
    step, totals = make_train_step(net, tf.distribute.get_strategy(), len(batches[0][1]), xla), no_totals()
    iterator = iter(tf.data.Dataset.from_tensor_slices(tuple(tf.stack(part) for part in zip(*batches, strict=True))))
    for number in range(len(batches)):
        totals = step(iterator, totals, tf.constant(number, tf.int64))
    return totals


@pytest.mark.parametrize("xla", [False, True])
def test_trains_as_keras_does(xla):
    net, expected, batches = make_net(), make_net(), make_batches()
    totals = train(net, batches, xla)
    losses = [float(expected.train_on_batch(images, labels)) for images, labels in batches]
    for one, other in zip(net.weights, expected.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert float(totals.sums[0]) == pytest.approx(8 * np.sum(losses), rel=1e-5)
    assert (totals.sums[3], totals.diverged_at) == (24, NEVER)


def test_images_are_centred_on_the_device():
    net, expected, batches = make_net(), make_net(), make_batches(1)
    ((images, labels),) = batches
    data = tf.data.Dataset.from_tensors(((images, tf.constant(2.0)), labels))
    step = make_train_step(net, tf.distribute.get_strategy(), 8, centre=lambda stored: stored[0] * stored[1])
    step(iter(data), no_totals(), tf.constant(0, tf.int64))
    train(expected, [(2 * images, labels)])
    for one, other in zip(net.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_errors_are_counted_before_the_step():
    net, batches = make_net(), make_batches(1)
    images, labels = batches[0]
    ranks = (np.asarray(net(images)) >= np.take_along_axis(np.asarray(net(images)), labels.numpy()[:, None], 1)).sum(1)
    totals = train(net, batches)
    assert totals.sums[1:3].numpy().tolist() == [(ranks > 1).sum(), (ranks > 5).sum()]


@pytest.mark.parametrize("broken", ["image", "weight"])
def test_the_first_step_that_gives_no_finite_number_is_told(broken):
    net, batches = make_net(), make_batches(4)
    if broken == "image":
        batches[2] = (batches[2][0] * np.nan, batches[2][1])
        assert train(net, batches).diverged_at == 2
    else:
        # ReLU turns its map into zeros, so the loss stays finite.
        kernel = net.layers[0].kernel.numpy()
        kernel[..., 0] = np.nan
        net.layers[0].kernel.assign(kernel)
        assert train(net, batches).diverged_at == 0


def test_dropout_depends_on_the_step_alone():
    batches, net, other = make_batches(4), make_net(0.5), make_net(0.5)
    train(net, batches)
    # Another that has gone on from elsewhere, and draws the same at the same step.
    weights = [weight.numpy() for weight in other.weights]
    train(other, batches[:1])
    for weight, value in zip(other.weights, weights, strict=True):
        weight.assign(value)
    for variable in other.optimizer.variables[2:]:
        variable.assign(tf.zeros_like(variable))
    train(other, batches)
    for one, same in zip(net.trainable_weights, other.trainable_weights, strict=True):
        np.testing.assert_array_equal(one, same)


def test_what_fills_up_is_not_counted():
    net, (batch,) = make_net(), make_batches(1)
    mean = np.full((6, 5, 3), 0.25, "float32")
    count = make_count_step(net, tf.distribute.get_strategy(), tf.constant(mean))
    images = tf.concat([batch[0][:5] + mean, tf.fill((3, 6, 5, 3), np.nan)], axis=0)
    counted = tf.constant([True] * 5 + [False] * 3)
    before = [weight.numpy() for weight in net.weights]
    sums = count(iter([(images, batch[1], counted)]), tf.zeros(4, tf.float64)).numpy()
    losses = keras.losses.sparse_categorical_crossentropy(batch[1][:5], net(batch[0][:5]))
    assert sums[0] == pytest.approx(float(tf.reduce_sum(losses)), rel=1e-5)
    assert sums[3] == 5
    for weight, value in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_replicas_draw_different_masks(forked):
    # A weight moves if one of the two replicas kept its unit: 3/4 of them; 1/2 if both draw the same.
    ran = subprocess.run(forked([sys.executable, "-c", MASKS]), capture_output=True, text=True, timeout=120)
    assert json.loads(ran.stdout) == pytest.approx(0.75, abs=0.03), ran.stderr[-2000:]


@pytest.mark.parametrize("batch_size", [5, 64])
def test_every_example_counts_once(examples, statistics, batch_size):
    keras.utils.set_random_seed(0)
    net, mean = build("zfnet-small", (56, 56, 3), 3), statistics.mean_image()[4:60, 4:60]
    found = make_validate(net, tf.distribute.get_strategy(), examples, mean, batch_size)()
    ((images, labels, _),) = central_crops(examples, "validation", size=56, batch_size=examples.count("validation"))
    answers, labels = net(images - mean).numpy(), labels.numpy()
    own = answers[np.arange(len(labels)), labels]
    expected = {"loss": -np.log(own).mean(), "top1_error": ((answers >= own[:, None]).sum(1) > 1).mean(), "top5_error": 0.0}
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_second_look_starts_anew(examples, statistics):
    net, mean = build("zfnet-small", (56, 56, 3), 3), statistics.mean_image()[4:60, 4:60]
    validate = make_validate(net, tf.distribute.get_strategy(), examples, mean, 8)
    assert validate() == validate()
