import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.filter_gradients import BLOCK, fast_filter_gradients, product_filter_gradient, split_filter_gradient

# Trains with TensorFlow's determinism, with its own filter gradients and with those in parts, and prints digests of the weights.
STEPS = """
import contextlib, hashlib, keras, numpy as np, tensorflow as tf
from zfnet.components.training import train_step
from zfnet.model import build
tf.config.experimental.enable_op_determinism()
fast, random = train_step.fast_filter_gradients, np.random.default_rng(0)
images, labels = random.normal(scale=60, size=(24, 64, 64, 3)).astype("float32"), np.arange(24) % 5
for gradients in (lambda net, _: contextlib.nullcontext(), *(lambda net, _, n=n: fast(net, True, n) for n in (1, 2, 3))):
    train_step.fast_filter_gradients = gradients
    net = build("zfnet-small", (64, 64, 3), 5, seed=1)
    net.compile(keras.optimizers.SGD(0.02, momentum=0.9))
    step = train_step.make_train_step(net, tf.distribute.get_strategy(), 24)
    batches = iter(tf.data.Dataset.from_tensors((images, labels)).repeat())
    for number in range(3):
        step(batches, train_step.no_totals(), tf.constant(number, tf.int64))
    print(hashlib.sha256(b"".join(weight.tobytes() for weight in net.get_weights())).hexdigest())
"""
GEOMETRIES = [(7, 2, "valid", 3, 48), (5, 2, "same", 20, 40), (3, 1, "same", 130, 33), (4, 1, "same", 128, 35), (3, 1, "valid", 8, 5)]


def gradients(layer, images, fast=None, **options):
    with tf.GradientTape() as tape:
        tape.watch(images)
        with fast(layer, **options) if fast else tf.name_scope("own"):
            outputs = layer(images)
        loss = tf.reduce_sum(tf.sin(outputs) * tf.cast(tf.range(outputs.shape[-1]), outputs.dtype))
    return [outputs, *tape.gradient(loss, [images, *(weight.value for weight in layer.weights)])]


@pytest.mark.parametrize(
    "options", [{"deterministic": True, "threads": 1}, {"deterministic": True, "threads": 3}, {"deterministic": False}]
)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_agrees_with_autodiff(geometry, options):
    kernel, stride, padding, channels, maps = geometry
    keras.utils.set_random_seed(1)
    bias = keras.initializers.RandomNormal(stddev=0.1)
    convolution = keras.layers.Conv2D(maps, kernel, stride, padding, activation="relu", bias_initializer=bias)
    net = keras.Sequential([keras.Input((15, 12, channels)), convolution])
    images = tf.random.stateless_normal((3, 15, 12, channels), (1, 2))
    expected = gradients(net, images)
    for one, other in zip(gradients(net, images, fast_filter_gradients, **options), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-5 * np.abs(other).max())


@pytest.mark.parametrize(("maps", "parts", "sizes"), [(48, 2, [16, 32]), (40, 2, [16, 24]), (96, 4, [16, 32, 16, 32]), (20, 3, [20])])
def test_parts_are_multiples_of_a_block(maps, parts, sizes, monkeypatch):
    found, own = [], tf.raw_ops.Conv2DBackpropFilter

    def watched(filter_sizes, **arguments):
        found.append(filter_sizes[-1])
        return own(filter_sizes=filter_sizes, **arguments)

    monkeypatch.setattr(tf.raw_ops, "Conv2DBackpropFilter", watched)
    split_filter_gradient(tf.ones((1, 3, 3, 2)), tf.ones((1, 3, 3, maps)), (3, 3), 1, "SAME", parts)
    assert found == sizes


def test_products_and_parts_agree_on_filters_that_are_not_square():
    inputs, upstream = (tf.random.stateless_normal((2, 6, 7, maps), (maps, 1)) for maps in (5, 2 * BLOCK))
    arguments = inputs, upstream, (2, 5), 1, "SAME"
    for one, other in zip(product_filter_gradient(*arguments), split_filter_gradient(*arguments, parts=2), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_layers_are_as_before_afterwards():
    layers = [
        keras.layers.Conv2D(32, 3, padding="same", name="plain"),
        keras.layers.Conv2D(32, 3, groups=2),
        keras.layers.Conv2D(32, 3, dilation_rate=2),
        keras.layers.Conv2D(32, 3, use_bias=False),
    ]
    net = keras.Sequential([keras.Input((20, 20, 4)), *layers])
    before = net.get_config()
    with fast_filter_gradients(net, deterministic=True):
        assert ["call" in vars(layer) for layer in layers] == [True, False, False, False]
    assert not any("call" in vars(layer) for layer in layers)
    assert net.get_config() == before


def test_deterministic_training_has_the_bits_of_tensorflow_in_every_process():
    runs = [subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True).stdout.split() for _ in range(2)]
    assert len(runs[0]) == 4
    assert len({digest for run in runs for digest in run}) == 1
