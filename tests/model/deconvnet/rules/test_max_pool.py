"""Switches and unpooling against loops over every window."""

import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.deconvnet.rules.fused import fused
from zfnet.model.deconvnet.rules.max_pool import find_switches, no_switch, unpool
from zfnet.model.deconvnet.rules.window import sliding_window

POOLS = [
    ((3, 3), (2, 2), "valid"),
    ((3, 3), (2, 2), "same"),
    ((2, 2), (2, 2), "same"),
    ((3, 2), (1, 2), "same"),
    ((2, 3), (4, 5), "valid"),
    ((9, 8), (2, 3), "same"),
    ((13, 11), (13, 11), "valid"),
    # More places than eight bits can tell apart.
    ((17, 16), (17, 16), "valid"),
]


def by_loops(maps, window):
    size, strides = window.size, window.strides
    before = window.padding(maps.shape[1:3])
    pooled = tf.nn.max_pool2d(maps, size, strides, "SAME" if window.before[0] is None else "VALID").numpy()
    switches = np.zeros(pooled.shape, int)
    for place in np.ndindex(pooled.shape):
        top, left = (place[axis + 1] * strides[axis] - before[axis] for axis in range(2))
        inside = [
            (maps[place[0], row, column, place[3]], -(row - top), -(column - left), (row - top) * size[1] + column - left)
            for row in range(max(top, 0), min(top + size[0], maps.shape[1]))
            for column in range(max(left, 0), min(left + size[1], maps.shape[2]))
        ]
        # Of equals the first, row by row.
        switches[place] = max(inside)[3]
    return switches


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("pool", POOLS)
def test_equals_loops(pool, compiled, monkeypatch):
    monkeypatch.setattr("zfnet.model.deconvnet.rules.fused.WORTHWHILE", 0 if compiled else 1 << 40)
    window = sliding_window(*pool)
    # Few different values, so that there are ties.
    maps = np.random.default_rng(0).integers(-4, 4, (2, 19, 18, 3)).astype("float32")
    switches = fused(lambda maps: find_switches(maps, window), tf.constant(maps)).numpy()
    expected = by_loops(maps, window)
    np.testing.assert_array_equal(switches, expected)

    signal = np.random.default_rng(1).normal(size=switches.shape).astype("float32")
    dropped = np.random.default_rng(2).random(switches.shape) < 0.2
    switches[dropped] = no_switch(window.size)
    unpooled = fused(lambda signal, switches: unpool(signal, switches, window), tf.constant(signal), tf.constant(switches)).numpy()
    total = np.zeros(unpooled.shape)
    for place in np.ndindex(signal.shape):
        if not dropped[place]:
            row, column = divmod(expected[place], window.size[1])
            total[place[0], place[1] * window.strides[0] + row, place[2] * window.strides[1] + column, place[3]] += signal[place]
    np.testing.assert_allclose(unpooled, total, atol=1e-5)


def test_padding_is_never_the_maximum():
    window = sliding_window((3, 3), (2, 2), "same")
    maps = np.full((1, 5, 5, 1), -7, "float32")
    assert find_switches(tf.constant(maps), window).numpy()[0, :, :, 0].tolist() == [[4, 3, 3], [1, 0, 0], [1, 0, 0]]
