import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet
from zfnet.model.measures.finite_weights import refuse_nan_weights


def test_an_operation_has_no_weights():
    inputs = keras.Input((9, 8, 3))
    net = keras.Model(inputs, keras.layers.Conv2D(2, 3, name="maps")(inputs / 127.5 - 1))
    refuse_nan_weights(Deconvnet(net, "gradient").graph, ["maps"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_layer_is_named_and_what_lies_above_does_not_matter(value):
    layers = [keras.layers.Conv2D(2, 3, activation="relu", name=name) for name in ("low", "middle", "high")]
    graph = Deconvnet(keras.Sequential([keras.Input((9, 8, 3)), *layers])).graph
    refuse_nan_weights(graph, ["low", "high"])
    layers[1].kernel.assign(layers[1].kernel * value)
    refuse_nan_weights(graph, ["low"])
    with pytest.raises(ValueError, match="Layer 'middle' has weights that are not finite numbers"):
        refuse_nan_weights(graph, ["low", "high"])
