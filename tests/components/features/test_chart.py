import json

import numpy as np
import pytest
from PIL import Image

from zfnet.components.features.chart import draw_features
from zfnet.components.features.transfer import FROM_SCRATCH, Accuracy

RESULTS = [
    Accuracy("svm", "conv1", 9, [[0.5, 1.0], [0.5, 0.5]]),
    Accuracy("svm", "fc7", 3, [[0.25, 0.75], [0.5, 0.5]]),
    Accuracy("svm", "fc7", 9, [[1.0, 1.0], [1.0, 1.0]]),
    Accuracy(FROM_SCRATCH, None, 3, [[0.5, 0.5], [0.0, 0.5]]),
    Accuracy(FROM_SCRATCH, None, 9, [[0.5, 1.0], [1.0, 1.0]]),
]


def test_every_number_is_written(tmp_path):
    picture = draw_features(RESULTS, ["conv1", "fc7"], 2, tmp_path, {"seed": 3})["features"]
    np.testing.assert_array_equal(picture, Image.open(tmp_path / "features.png"))
    written = json.loads((tmp_path / "features.json").read_text())
    assert (written["seed"], written["layers"], written["last_layer"]) == (3, ["conv1", "fc7"], "fc7")
    assert written["results"] == [each.to_json() for each in RESULTS]
    assert written["results"][0]["mean"] == pytest.approx(0.625)
    assert written["results"][0]["classes"] == [[0.5, 1.0], [0.5, 0.5]]


def test_one_layer_has_one_panel(tmp_path):
    several = draw_features(RESULTS, ["conv1", "fc7"], 2, tmp_path, {})["features"]
    one = draw_features(RESULTS[1:3], ["fc7"], 2, tmp_path, {})["features"]
    assert one.shape[1] < several.shape[1]
