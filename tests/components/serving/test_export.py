"""The SavedModel, asked in a process that has TensorFlow alone."""

import base64
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.pictures.projected_activation import signed_to_rgb
from zfnet.components.serving.export import export, signed_picture
from zfnet.components.serving.saved_model import ServedModel
from zfnet.components.serving.served_image import UNREADABLE, prepare_image
from zfnet.model import Deconvnet

PHOTOGRAPHS, BROKEN = ("one.jpg", "two.png"), "broken.jpg"
FILES = ("one.jpg", BROKEN, "two.png", "one.jpg")
# Imports of the project fail. Sessions are what model servers run signatures in.
ASK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "zfnet":
            raise ImportError(name)
sys.meta_path.insert(0, Absent())

import base64, json, pathlib
import numpy as np
import tensorflow as tf
question = json.loads(sys.stdin.read())
files = [pathlib.Path(name).read_bytes() for name in question["files"]]

def plain(answer):
    return {name: [base64.b64encode(each).decode() if isinstance(each, bytes) and each[:4] == b"\\x89PNG" else
                   each.decode() if isinstance(each, bytes) else each for each in value.ravel().tolist()] for name, value in answer.items()}

signatures = tf.saved_model.load("served").signatures
images = np.load("images.npy")
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    loaded = tf.compat.v1.saved_model.load(session, ["serve"], "served")
    signature = loaded.signature_def["serving_default"]
    fetched = {name: tensor.name for name, tensor in signature.outputs.items()}
    in_session = plain(session.run(fetched, {signature.inputs["image_bytes"].name: files}))
asked = {name: tf.constant(question[name]) for name in ("layer", "unit")}
projected = signatures["project"](image_bytes=tf.constant([files[0]] * len(question["unit"])), **asked)
print(json.dumps({
    "labelled": plain({name: value.numpy() for name, value in signatures["serving_default"](image_bytes=tf.constant(files)).items()}),
    "in_session": in_session,
    "of_images": signatures["probabilities"](images=tf.constant(images))["probabilities"].numpy().tolist(),
    "projected": plain({name: value.numpy() for name, value in projected.items()}),
}))
"""
RNG = np.random.default_rng(0)
SPARSE = np.zeros((30, 40, 3), "float32")
SPARSE[3, 4] = 2, -1, 0.5
ASKED = (("conv2", 1), ("conv5", -1), ("fc7", 3), ("conv9", 0), ("conv5", 4000), ("predictions", 1))


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    """A directory with the SavedModel and photographs, and what it answered."""
    directory = tmp_path_factory.mktemp("serving")
    export(model, side=64, path=directory / "served")
    rng = np.random.default_rng(0)
    for name in PHOTOGRAPHS:
        smooth = Image.fromarray(rng.integers(0, 255, (9, 13, 3), dtype=np.uint8)).resize((240, 150), Image.Resampling.BICUBIC)
        smooth.save(directory / name)
    (directory / BROKEN).write_bytes((directory / "one.jpg").read_bytes()[:500])
    np.save(directory / "images.npy", rng.uniform(0, 255, (2, 56, 56, 3)).astype("float32"))
    layers, units = zip(*ASKED, strict=True)
    question = json.dumps({"files": FILES, "layer": layers, "unit": units})
    asked = subprocess.run([sys.executable, "-c", ASK], input=question, capture_output=True, text=True, cwd=directory)
    assert asked.returncode == 0, asked.stderr
    return directory, json.loads(asked.stdout)


@pytest.fixture(scope="module")
def net(model):
    return load_model_file(model.path / "model.keras")


def prepared(directory, name):
    return prepare_image(tf.constant((directory / name).read_bytes()), side=64, size=56)[None]


def test_labels_of_whole_files_beside_a_broken_one(model, net, served):
    directory, answers = served
    names = (model.path / "labels.txt").read_text().split()
    labels, probabilities = (np.reshape(answers["labelled"][part], (len(FILES), -1)) for part in ("labels", "probabilities"))
    for row, name in enumerate(FILES):
        if name == BROKEN:
            assert set(labels[row]) == {""}
            assert not probabilities[row].any()
            continue
        expected = net(prepared(directory, name)).numpy()[0]
        order = np.argsort(-expected)
        assert labels[row].tolist() == [names[label] for label in order]
        np.testing.assert_allclose(probabilities[row], expected[order], rtol=1e-4)
    assert answers["labelled"]["errors"] == ["", UNREADABLE, "", ""]


def test_session_of_a_model_server_answers_alike(served):
    assert served[1]["in_session"] == served[1]["labelled"]


def test_probabilities_of_pixels(net, served):
    np.testing.assert_allclose(served[1]["of_images"], net(np.load(served[0] / "images.npy")), rtol=1e-4)


def test_predictions_open_it(net, served):
    images = tf.constant(np.load(served[0] / "images.npy"))
    np.testing.assert_allclose(ServedModel(served[0] / "served").of(images), net(images), rtol=1e-4)


def test_projects_what_a_unit_saw(net, served):
    directory, answers = served
    projected, deconvnet, image = answers["projected"], Deconvnet(net), prepared(directory, "one.jpg")
    positions = np.reshape(projected["positions"], (-1, 2))
    for row, (layer, unit) in enumerate(ASKED):
        if layer == "conv9" or unit == 4000:
            continue
        activations = deconvnet.activations(image, [layer])[0].numpy()[0]
        unit = int(np.unravel_index(activations.argmax(), activations.shape)[-1]) if unit == -1 else unit
        assert projected["units"][row] == unit
        assert projected["activations"][row] == pytest.approx(activations[..., unit].max(), rel=1e-4)
        if activations.ndim == 3:
            assert activations[(*positions[row], unit)] == activations[..., unit].max()
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(projected["projection_bytes"][row]))), int)
        expected = signed_to_rgb(deconvnet.project(image, layer, unit))[0]
        assert picture.shape == (56, 56, 3)
        assert np.abs(picture - expected).max() <= 1


def test_says_which_layer_or_unit_is_not_there(served):
    errors = served[1]["projected"]["errors"]
    assert errors[3].startswith("there is no layer 'conv9'; there are ")
    assert "conv5" in errors[3]
    assert errors[4] == "there is no unit 4000 in layer 'conv5'; it has units 0 to 127, and -1 is the strongest"
    assert served[1]["projected"]["projection_bytes"][3:5] == ["", ""]
    assert [errors[row] for row in (0, 1, 2, 5)] == [""] * 4


def test_one_layer_and_unit_for_all_images_and_other_lengths(served):
    directory, answers = served
    project = tf.saved_model.load(str(directory / "served")).signatures["project"]
    files = tf.constant([(directory / "one.jpg").read_bytes()] * 2)
    alike = project(image_bytes=files, layer=tf.constant(["conv2"]), unit=tf.constant([1]))
    assert alike["projection_bytes"].shape == (2,)
    np.testing.assert_allclose(alike["activations"], [answers["projected"]["activations"][0]] * 2, rtol=1e-5)
    for layers, units, name in ((3, 2, "layer"), (2, 3, "unit"), (0, 1, "layer")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"`{name}` expects one entry, or one for each of `image_bytes`"):
            project(image_bytes=files, layer=tf.constant(["conv2"] * layers, tf.string), unit=tf.constant([1] * units))


@pytest.mark.filterwarnings("ignore::UserWarning")  # that this interpreter moves to another package
def test_model_of_tensorflow_lite(net, served):
    converter = tf.lite.TFLiteConverter.from_saved_model(str(served[0] / "served"), signature_keys=["probabilities"])
    probabilities = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner("probabilities")
    images = np.load(served[0] / "images.npy")
    np.testing.assert_allclose(probabilities(images=images)["probabilities"], net(images), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("projection", [RNG.normal(size=(30, 40, 3)).astype("float32"), SPARSE, np.zeros((30, 40, 3), "float32")])
def test_as_numpy_draws_it(projection):
    drawn = signed_picture(projection).numpy().astype(int)
    assert np.abs(drawn - signed_to_rgb(projection[None])[0]).max() <= 1
    assert drawn.dtype == int
