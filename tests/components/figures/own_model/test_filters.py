import keras
import pytest

import zfnet


def test_filters_without_images_are_those_of_the_first_layer(model, images):
    alone, measured = zfnet.filters(model), zfnet.filters(model, images)
    [one], [other] = alone.numbers["models"].values(), measured.numbers["models"].values()
    assert one["first_layer"]["aliased"] == other["first_layer"]["aliased"]
    assert (one["layers"], one["second_layer"]["not_drawn"]) == ({}, "no images were given")
    assert [verdict["measure"] for verdict in other["verdicts"]] == ["structure", "aliasing", "filter size", "dead maps", "spread"]
    assert list(other["layers"]) == ["conv1", "conv2"]
    with pytest.raises(ValueError, match="no Conv2D layer"):
        zfnet.filters(keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()]))
