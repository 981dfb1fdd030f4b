import keras
import numpy as np
import tensorflow as tf

from zfnet.components.training.checkpoints import VARIABLES, Checkpoints, TrainingState
from zfnet.components.training.optimizer import LayerRateSGD, freeze, make_optimizer
from zfnet.model.net.build import build

RATE, DECAY = 0.5, 0.04


def small_net():
    row = "zfnet-small:conv1.filters=4,conv2.filters=4,conv3.filters=4,conv4.filters=4,conv5.filters=4,fc6.units=8,fc7.units=8"
    return build(row + ",rms_radius=0.00001", (64, 64, 3), 3, seed=1)


def random_gradients(variables, seed):
    generator = np.random.default_rng(seed)
    return [tf.constant(generator.normal(size=variable.shape), tf.float32) for variable in variables]


def train(net, optimizer, steps=3):
    net.compile(optimizer)
    for step in range(steps):
        net.optimizer.apply(random_gradients(net.trainable_variables, step), net.trainable_variables)


def test_frozen_layers_keep_every_bit():
    net = small_net()  # Its filters are far beyond the radius: a clip would change them all.
    before = {layer.name: layer.get_weights() for layer in net.layers if layer.weights}
    freeze(net, ["conv1", "conv3", "fc6"])
    train(net, make_optimizer(RATE, DECAY, {"conv2": 0.1}))
    changed = {name for name, arrays in before.items() if any(map(lambda a, b: (a != b).any(), arrays, net.get_layer(name).get_weights()))}
    assert changed == before.keys() - {"conv1", "conv3", "fc6"}


def test_decay_and_clip_without_factors_leave_frozen_layers_too():
    net = small_net()
    before = net.get_layer("conv1").get_weights(), net.get_layer("conv2").get_weights()
    freeze(net, ["conv1"])
    train(net, make_optimizer(RATE, DECAY, {}))
    np.testing.assert_array_equal(before[0][0], net.get_layer("conv1").get_weights()[0])
    assert np.sqrt(np.mean(net.get_layer("conv2").get_weights()[0] ** 2, axis=(0, 1, 2))).max() < 1.1e-5  # clipped
    assert (before[1][0] != net.get_layer("conv2").get_weights()[0]).any()


def test_checkpoints_have_the_weights_in_the_same_order(tmp_path):
    net, plain = small_net(), small_net()
    freeze(net, ["conv1", "conv2"])
    assert [weight.path for weight in net.weights] == [weight.path for weight in plain.weights]
    train(net, make_optimizer(RATE, DECAY, {"conv3": 0.5}))
    Checkpoints(tmp_path).keep(net, TrainingState(epoch=1))
    with np.load(tmp_path / "epoch-0001" / VARIABLES) as arrays:
        for place, weight in enumerate(net.weights):
            np.testing.assert_array_equal(arrays[f"arr_{place}"], weight.numpy())
    again = small_net()
    freeze(again, ["conv1", "conv2"])
    again.compile(make_optimizer(RATE, DECAY, {"conv3": 0.5}))
    assert Checkpoints(tmp_path).restore(again, 2).epoch == 1
    for one, other in zip(net.weights + net.optimizer.variables, again.weights + again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def two_layers():
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="slow"), keras.layers.Dense(2, name="fast")])


def test_factor_is_on_the_rate_and_the_decay():
    net, factors, steps = two_layers(), {"slow": 0.1}, 4
    expected = [variable.numpy().astype(np.float64) for variable in net.trainable_variables]
    momenta = [np.zeros_like(array) for array in expected]
    for step in range(steps):
        for place, gradient in enumerate(random_gradients(expected, step)):
            rate = RATE * (0.1 if place < 2 else 1)
            decay = DECAY if expected[place].ndim > 1 else 0
            momenta[place] = 0.9 * momenta[place] - rate * gradient.numpy().astype(np.float64)
            expected[place] = expected[place] * (1 - rate * decay) + momenta[place]
    train(net, make_optimizer(RATE, DECAY, factors), steps)
    for variable, values in zip(net.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), values, rtol=1e-5, atol=1e-6)


def test_factors_of_one_are_the_optimizer_without_factors():
    one, other = two_layers(), two_layers()
    train(one, make_optimizer(RATE, DECAY, {}))
    train(other, LayerRateSGD(RATE, {}, DECAY, momentum=0.9))
    for first, second in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(first.numpy(), second.numpy(), rtol=1e-6)


def test_factors_under_a_strategy():
    factors = {"slow": 0.1}
    alone = two_layers()
    alone.compile(make_optimizer(RATE, DECAY, factors))
    strategy = tf.distribute.OneDeviceStrategy("cpu:0")
    with strategy.scope():
        net = two_layers()
        net.compile(make_optimizer(lambda: RATE, DECAY, factors))
        net.optimizer.build(net.trainable_variables)

    @tf.function
    def step(gradients):
        strategy.run(lambda: net.optimizer.apply(gradients, net.trainable_variables))

    for seed in range(2):
        gradients = random_gradients(alone.trainable_variables, seed)
        alone.optimizer.apply(gradients, alone.trainable_variables)
        step(gradients)
    for first, second in zip(alone.weights, net.weights, strict=True):
        np.testing.assert_allclose(first.numpy(), second.numpy(), rtol=1e-6)
