"""Every form of the transposed convolution against TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.deconvnet.rules.convolution import Convolution
from zfnet.model.deconvnet.rules.window import sliding_window

# Kernel, strides, channels below, size of the signal.
FORMS = [
    ((3, 3), (1, 1), 5, (1, 1)),
    ((3, 3), (1, 1), 5, (4, 7)),
    ((3, 3), (1, 1), 5, (9, 11)),
    ((7, 7), (1, 1), 5, (3, 4)),
    ((5, 4), (2, 3), 7, (6, 5)),
    ((7, 7), (2, 2), 3, (9, 8)),
    ((3, 5), (1, 2), 1, (9, 10)),
    ((3, 3), (2, 2), 4, (1, 1)),
    ((1, 1), (1, 1), 6, (5, 4)),
    ((1, 1), (2, 2), 3, (5, 4)),
    ((2, 2), (3, 3), 3, (4, 3)),
    ((2, 2), (3, 3), 9, (4, 3)),
]


@pytest.mark.parametrize("worthwhile", [0, 1 << 40])
@pytest.mark.parametrize(("size", "strides", "channels", "lengths"), FORMS)
def test_equals_tensorflows(size, strides, channels, lengths, worthwhile, monkeypatch):
    monkeypatch.setattr("zfnet.model.deconvnet.rules.fused.WORTHWHILE", worthwhile)
    random = np.random.default_rng(0)
    kernel = tf.constant(random.normal(size=(*size, channels, 8)).astype("float32"))
    signal = tf.constant(random.normal(size=(3, *lengths, 8)).astype("float32"))
    window = sliding_window(size, strides, "valid")
    rule = Convolution(None, lambda: kernel, strides, window, channels)
    seen = window.span(lengths)
    expected = tf.nn.conv2d_transpose(signal, kernel, (3, *seen, channels), strides, "VALID").numpy()
    spread = rule.spread(signal, None)[0].numpy()
    np.testing.assert_allclose(spread[:, : seen[0], : seen[1]], expected, atol=1e-4)
    # What is behind the window is nothing but zeros.
    assert np.abs(spread).sum() == pytest.approx(np.abs(spread[:, : seen[0], : seen[1]]).sum())


@pytest.mark.parametrize(("padding", "shape"), [("same", (12, 9)), ("same", (11, 10)), ("valid", (13, 10))])
def test_whole_maps_lose_their_padding(padding, shape):
    random = np.random.default_rng(0)
    kernel = tf.constant(random.normal(size=(5, 4, 6, 8)).astype("float32"))
    maps = tf.nn.conv2d(tf.zeros((2, *shape, 6)), kernel, (2, 3), padding.upper())
    signal = tf.constant(random.normal(size=maps.shape).astype("float32"))
    rule = Convolution(None, lambda: kernel, (2, 3), sliding_window((5, 4), (2, 3), padding), 6)
    expected = tf.nn.conv2d_transpose(signal, kernel, (2, *shape, 6), (2, 3), padding.upper())
    np.testing.assert_allclose(rule.backward(signal, [(*shape, 6)], None)[0], expected, atol=1e-4)
