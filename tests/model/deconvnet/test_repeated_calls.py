"""Nothing is traced or compiled anew from one call to the next."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet, build, project_strongest, strongest_activations
from zfnet.model.deconvnet import passes


@pytest.mark.parametrize("many", [0, 1 << 40])
def test_later_calls_trace_nothing(monkeypatch, many):
    # Before that many values or after: in between each function is traced once more.
    monkeypatch.setattr(passes, "MANY_VALUES", many)
    keras.utils.set_random_seed(0)
    deconvnet = Deconvnet(build("zfnet-small", (96, 80, 3), 4))
    images = np.random.default_rng(0).normal(scale=50, size=(21, 96, 80, 3)).astype("float32")

    def everything(first, count):
        batch = images[first : first + count]
        for layer in ("conv2", "conv5", "fc6"):
            deconvnet.project(batch, layer, first)
            deconvnet.project_patches(batch, layer, np.arange(count) % 7)
        found = strongest_activations(deconvnet, [batch], ["conv3"], k=2)
        for _ in project_strongest(deconvnet, [batch], found):
            pass

    everything(0, 21)
    everything(0, 3)
    made, initialize = [], tf.Graph.__init__

    def count_traces(graph, *arguments, **named):
        # Of each function that is traced; other graphs are made for threads.
        if type(graph).__name__ == "FuncGraph":
            made.append(graph)
        initialize(graph, *arguments, **named)

    monkeypatch.setattr(tf.Graph, "__init__", count_traces)
    for first, count in ((1, 3), (2, 1), (0, 2), (4, 5), (3, 8), (0, 17)):
        everything(first, count)
    assert not made
    deconvnet.project(images[:3], "conv4", 0)
    assert made
