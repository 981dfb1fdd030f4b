"""Projections computed a second way, for any model: autodiff through a copy of it whose relus have another gradient."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet
from zfnet.model.deconvnet import passes
from zfnet.model.deconvnet.rules import convolution, max_pool
from zfnet.model.deconvnet.windows import way_down
from zfnet.model.net.layers import ContrastNormalization

RECTIFIERS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU)
LIBRARIES = keras.activations, keras.ops, tf.nn
RECTIFYING_FUNCTIONS = [getattr(library, name) for library in LIBRARIES for name in ("relu", "relu6", "leaky_relu")]
RECTIFYING_OPERATIONS = ("ReLU", "Relu", "Relu6", "LeakyRelu")
READOUTS = [getattr(library, name) for library in LIBRARIES for name in ("softmax", "sigmoid")]
BACKWARD = {
    "deconvnet": lambda upstream, inputs: tf.nn.relu(upstream),
    "guided": lambda upstream, inputs: tf.nn.relu(upstream) * tf.cast(inputs > 0, inputs.dtype),
}


def with_backward(function, backward):
    @tf.custom_gradient
    def nothing(inputs):
        return tf.zeros_like(inputs), lambda upstream: backward(upstream, inputs)

    return lambda inputs, *arguments, **named: tf.stop_gradient(function(inputs, *arguments, **named)) + nothing(inputs)


class ByAutodiff:
    """A projection as the gradient of an activation, with relu's and the norm's gradients replaced, times that activation."""

    def __init__(self, model, images, way="deconvnet"):
        self.backward, self.values = BACKWARD.get(way), {}
        clone = keras.models.clone_model(model, clone_function=self.clone, recursive=True)
        clone.set_weights(model.get_weights())
        for layer in clone._flatten_layers():
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()
        self.layers = {layer.name: id(layer) for layer in model._flatten_layers()}
        self.images = tf.constant(images)
        self.values.clear()
        with tf.GradientTape(persistent=True) as self.tape:
            self.tape.watch(self.images)
            clone(self.images, training=False)

    def value(self, layer, call=0):
        """What a layer, or the layer of a name, returned when it was called for the `call`th time; logits of a softmax."""
        return self.values[self.layers[layer] if isinstance(layer, str) else id(layer)][call]

    def project(self, value, unit, position=None):
        with self.tape:
            single = value[..., unit] if position is None else value[(slice(None), *position, unit)]
            if single.shape.rank > 1:
                flat = tf.reshape(single, (len(single), -1))
                single = tf.gather(flat, tf.argmax(flat, axis=1), batch_dims=1)
            total = tf.reduce_sum(single * tf.stop_gradient(single))
        return self.tape.gradient(total, self.images).numpy()

    def clone(self, original):
        if not isinstance(original, keras.layers.Layer):
            new = copy.copy(original)
            return self.replace(new, "call") if type(new).__name__ in RECTIFYING_OPERATIONS else new
        activation, config = getattr(original, "activation", None), original.get_config()
        readout = activation in READOUTS
        # Keras cannot load TensorFlow's softmax, which calls itself softmax_v2.
        new = type(original).from_config({**config, "activation": "linear"} if readout else config)
        if readout:
            new.activation = activation
        if type(new) in RECTIFIERS:
            self.replace(new, "call")
        elif activation in RECTIFYING_FUNCTIONS or isinstance(activation, RECTIFIERS):
            new.activation = activation
            self.replace(new, "activation")
        elif isinstance(new, ContrastNormalization) and self.backward:
            new.call = with_backward(new.call, lambda upstream, inputs: upstream)
        self.treat(new)
        self.keep(new, "activation" if readout else "call", id(original), readout or isinstance(new, keras.layers.Softmax))
        return new

    def treat(self, layer):
        """For subclasses, which replace the gradient of other layers."""

    def replace(self, layer, name):
        if self.backward:
            setattr(layer, name, with_backward(getattr(layer, name), self.backward))
        return layer

    def keep(self, layer, name, key, below):
        function = getattr(layer, name)

        def kept(*arguments, **named):
            output = function(*arguments, **named)
            self.values.setdefault(key, []).append(arguments[0] if below else output)
            return output

        setattr(layer, name, kept)


@pytest.fixture(scope="session")
def by_autodiff():
    return ByAutodiff


def is_close(one, other, tolerance=1e-5):
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


@pytest.fixture(scope="session")
def equals_autodiff():
    """Checks a layer's projections, of the strongest position and of the map's corners."""

    def check(deconvnet, images, layers, autodiff=None, tolerance=1e-5, corners=True):
        if isinstance(deconvnet, keras.Model):
            deconvnet = Deconvnet(deconvnet)
        autodiff = autodiff or ByAutodiff(deconvnet.model, images)
        recording = deconvnet.record(images)
        for name in layers:
            value = autodiff.value(name)
            activations = value.numpy()
            is_close(recording.activations(name).numpy(), activations, tolerance)
            places, empty = [None], 0
            if corners and activations.ndim == 4:
                height, width = activations.shape[1:3]
                places += sorted({(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)})
            for place in places:
                # The unit that answers most there, so that nothing is compared with 0.
                here = activations if place is None else activations[(slice(None), *place)]
                unit = int(here.reshape(-1, here.shape[-1]).max(axis=0).argmax())
                expected = autodiff.project(value, unit, place)
                is_close(recording.project(name, unit, place), expected, tolerance)
                empty += not np.abs(expected).max() > 0
            # Rectified, a few may be 0 all over; not all.
            assert empty < len(places), name
        return recording

    return check


@pytest.fixture
def eagerly(monkeypatch):
    """Nothing compiled, which takes seconds for each layer of a deep net."""
    monkeypatch.setattr(passes.Passes, "run", lambda self, key, function, *arguments, **work: function(*arguments))
    for module in (convolution, max_pool, way_down):
        monkeypatch.setattr(module, "fused", lambda function, *tensors: function(*tensors))
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def by_papers(by_autodiff):
    """Autodiff in which smooth activations have the gradient of a deconvnet's ReLU, and gates and deviations have none."""

    class ByPapers(by_autodiff):
        def treat(self, layer):
            if getattr(layer, "activation", None) in (keras.activations.silu, keras.activations.gelu, keras.activations.hard_silu):
                self.replace(layer, "activation")
            elif isinstance(layer, keras.layers.Multiply):
                layer.call = lambda inputs: inputs[0] * tf.stop_gradient(inputs[1])
            elif isinstance(layer, keras.layers.LayerNormalization):

                def normalized(values):
                    centred = values - tf.reduce_mean(values, -1, keepdims=True)
                    variance = tf.reduce_mean(centred**2, -1, keepdims=True)
                    return centred / tf.stop_gradient(tf.sqrt(variance + layer.epsilon)) * layer.gamma + layer.beta

                layer.call = normalized

    return ByPapers
