"""The SavedModel, asked in a process that has TensorFlow alone."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.data.photograph import prepare_photograph
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.components.serving.export import export, prepare_image

ASK = """
import json, pathlib, sys
import numpy as np
import tensorflow as tf
served = tf.saved_model.load(sys.argv[1])
files = [pathlib.Path(name).read_bytes() for name in sys.argv[3:]]
answers = served.signatures["serving_default"](image_bytes=tf.constant(files))
images = served.signatures["probabilities"](images=tf.constant(np.load(sys.argv[2])))
print(json.dumps({
    "labels": [[label.decode() for label in row] for row in answers["labels"].numpy().tolist()],
    "probabilities": answers["probabilities"].numpy().tolist(),
    "of_images": images["probabilities"].numpy().tolist(),
    "project": [name for name in sys.modules if name.startswith("zfnet")],
}))
"""


@pytest.fixture(scope="module")
def photograph():
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (9, 13, 3), dtype=np.uint8)).resize((240, 150), Image.Resampling.BICUBIC)
    return np.asarray(smooth)


def encoded(pixels, kind):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    return content.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("turned", [False, True])
def test_prepares_images_as_they_were_prepared_for_training(photograph, kind, turned):
    content = encoded(photograph.swapaxes(0, 1) if turned else photograph, kind)
    stored, _ = prepare_photograph(content, 64)
    expected = np.asarray(Image.open(io.BytesIO(stored)), "float32")[4:60, 4:60]
    prepared = prepare_image(tf.constant(content), side=64, size=56).numpy()
    assert prepared.shape == (56, 56, 3)
    # What is stored went through JPEG once more.
    assert np.abs(prepared - expected).mean() < 2
    assert np.abs(prepared - expected).max() < 16


def test_answers_in_a_process_without_this_project(model, photograph, tmp_path):
    export(model, side=64, path=tmp_path / "served")
    images = np.random.default_rng(1).uniform(0, 255, (2, 56, 56, 3)).astype("float32")
    np.save(tmp_path / "images.npy", images)
    (tmp_path / "one.jpg").write_bytes(encoded(photograph, "JPEG"))
    (tmp_path / "two.png").write_bytes(encoded(photograph[:, ::-1], "PNG"))
    arguments = [str(tmp_path / name) for name in ("served", "images.npy", "one.jpg", "two.png", "one.jpg")]
    asked = subprocess.run([sys.executable, "-c", ASK, *arguments], capture_output=True, text=True, cwd=tmp_path, check=True)
    answers = json.loads(asked.stdout)
    assert answers["project"] == []
    net = load_model_file(model.path / "model.keras")
    np.testing.assert_allclose(answers["of_images"], net(images), rtol=1e-4)
    prepared = tf.stack([prepare_image((tmp_path / name).read_bytes(), side=64, size=56) for name in ("one.jpg", "two.png")])
    expected = net(prepared).numpy()
    names = (model.path / "labels.txt").read_text().split()
    for row in range(2):
        order = np.argsort(-expected[row])
        assert answers["labels"][row] == [names[label] for label in order]
        np.testing.assert_allclose(answers["probabilities"][row], expected[row][order], rtol=1e-4)
    assert answers["labels"][2] == answers["labels"][0]
