import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.artifacts import Figures
from zfnet.components.data.batches import central_batches, read_origins
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.components.visualizer import visualize
from zfnet.model import Deconvnet

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]


@pytest.fixture(scope="module")
def figures(examples, model, tmp_path_factory):
    root = tmp_path_factory.mktemp("gallery")
    (root / "figures").mkdir()
    visualize(examples, model, Figures(root / "figures"), maps=4, seed=0, tensorboard=str(root / "tensorboard"))
    return root


def test_one_grid_a_layer_as_file_and_in_tensorboard(figures):
    assert sorted(path.name for path in (figures / "figures").glob("*.png")) == [f"gallery_{layer}.png" for layer in LAYERS]
    shown = {}
    for file in (figures / "tensorboard" / "gallery").iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                shown[value.tag] = tf.io.decode_png(value.tensor.string_val[2]).numpy()
    assert sorted(shown) == [f"gallery/{layer}" for layer in LAYERS]
    np.testing.assert_array_equal(shown["gallery/conv3"], Image.open(figures / "figures" / "gallery_conv3.png"))


def test_numbers_are_the_strongest_activations(figures, examples, model):
    numbers = json.loads((figures / "figures" / "gallery.json").read_text())
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    images = np.concatenate([images for images, _, _ in central_batches(examples, "validation", size=56, batch_size=7)])
    _, _, ids = read_origins(examples, "validation")
    for layer in LAYERS:
        maxima = deconvnet.activations(images, [layer])[0].numpy().max(axis=(1, 2))
        dead = np.flatnonzero(maxima.max(0) <= 0)
        assert numbers[layer]["dead_maps"] == dead.tolist()
        assert len(numbers[layer]["maps"]) == min(4, maxima.shape[1] - len(dead))
        for unit, found in numbers[layer]["maps"].items():
            expected = [value for value in sorted(maxima[:, int(unit)], reverse=True)[:9] if value > 0]
            np.testing.assert_allclose([each["activation"] for each in found], expected, rtol=1e-4)
            np.testing.assert_allclose(maxima[ids.index(found[0]["example"]), int(unit)], expected[0], rtol=1e-4)
