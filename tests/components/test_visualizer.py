import json
import re

import numpy as np
import tensorflow as tf
from PIL import Image

from zfnet.components.artifacts import Figures
from zfnet.components.figures.mistakes.table import errors_markdown
from zfnet.components.visualizer import visualize

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]


def test_the_quick_figures_as_files_and_in_tensorboard(examples, statistics, training, model, evaluation, tmp_path):
    figures, logs = tmp_path / "figures", tmp_path / "tensorboard" / "zfnet-small-1a2b3c"
    figures.mkdir()
    kept = str(training / "checkpoints")
    visualize(examples, statistics, model, evaluation, Figures(figures), maps=4, seed=0, tensorboard=str(logs), checkpoints=kept)
    drawn = [
        "calibration",
        "classes",
        "confusion",
        "features",
        "filters",
        *(f"gallery/{layer}" for layer in LAYERS),
        "mistakes",
        "occlusion",
    ]
    assert sorted(path.stem.replace("_", "/") for path in figures.glob("*.png")) == drawn
    numbers = ["calibration", "classes", "confusion", "feature_sheet", "filters", "gallery", "mistakes", "occlude"]
    assert sorted(path.stem for path in figures.glob("*.json")) == numbers
    index = json.loads(re.search(r'id="index">(.*?)</script>', (figures / "explore.html").read_text())[1])
    assert [layer["name"] for layer in index["layers"]] == [*LAYERS, "predictions"]
    assert index["moments"] == ["untrained", "epoch 1", "epoch 2", "epoch 3"]
    shown, texts = {}, {}
    for file in (logs / "gallery").iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "text":
                    texts[value.tag] = value.tensor.string_val[0].decode()
                else:
                    shown[value.tag] = tf.io.decode_png(value.tensor.string_val[2]).numpy()
    assert sorted(shown) == drawn
    assert texts == {"where_it_errs": errors_markdown(evaluation.read_json("evaluation.json"))}
    np.testing.assert_array_equal(shown["gallery/conv3"], Image.open(figures / "gallery_conv3.png"))
    np.testing.assert_array_equal(shown["features"], Image.open(figures / "features.png"))
    np.testing.assert_array_equal(shown["occlusion"], Image.open(figures / "occlusion.png"))
    row = json.loads((logs / "hyperparameters.json").read_text())
    assert (row["architecture"], row["image_size"], row["epochs"]) == ("zfnet-small", 56, 3)
    assert len(list((tmp_path / "tensorboard").glob("events*"))) == 1
    [rows] = logs.glob("events*")
    shown = {value.tag: value for event in tf.compat.v1.train.summary_iterator(str(rows)) for value in event.summary.value}
    error = tf.make_ndarray(shown["trained/validation_top1_error"].tensor)
    assert error == np.float32(model.read_json("history.json")[-1]["val_top1_error"])
    assert "trained/training_top1_error" not in shown
