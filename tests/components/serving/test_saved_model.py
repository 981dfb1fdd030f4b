"""SavedModels as strangers may hand them over: what would act outside of the model is never loaded."""

import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.serving.export import export
from zfnet.components.serving.saved_model import GRAPH, ServedModel, served_directory

TAKEN = tf.TensorSpec([None, 8, 8, 3], tf.float32, name="images")


def save(path, function):
    """Writes a SavedModel with the signature `probabilities`, and names of two classes."""
    module = tf.Module()
    module.function = tf.function(function, input_signature=[TAKEN])
    tf.saved_model.save(module, str(path), signatures={"probabilities": module.function})
    (path / "assets").mkdir(exist_ok=True)
    (path / "assets/labels.txt").write_text("cat\ndog\n")
    return path


def shares(images):
    return {"probabilities": tf.nn.softmax(tf.reduce_mean(images, (1, 2))[:, :2])}


def test_served_model_answers_as_its_function(tmp_path):
    served = ServedModel(save(tmp_path / "1", shares))
    images = tf.random.stateless_uniform((3, 8, 8, 3), (0, 1))
    assert (served.size, served.labels) == (8, ["cat", "dog"])
    tf.debugging.assert_near(served.of(images), tf.cast(shares(images)["probabilities"], tf.float64))


def test_model_that_a_run_serves_answers_as_its_keras_file(model, tmp_path):
    export(model, side=64, path=tmp_path / "1")
    served = ServedModel(tmp_path / "1")
    images = np.random.default_rng(0).uniform(0, 255, (5, served.size, served.size, 3)).astype(np.float32)
    assert served.labels == (model.path / "labels.txt").read_text().splitlines()
    np.testing.assert_allclose(served.of(images), load_model_file(model.path / "model.keras")(images), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("act", "operation"),
    [
        (lambda place: tf.io.write_file(f"{place}/written", "x"), "WriteFile"),
        (lambda place: tf.io.read_file("/etc/hostname"), "ReadFile"),
        (lambda place: tf.print("x", output_stream=f"file://{place}/written"), "PrintV2"),
        (lambda place: tf.io.matching_files("/*"), "MatchingFiles"),
    ],
)
def test_graph_that_acts_outside_of_the_model_is_not_loaded(tmp_path, monkeypatch, act, operation):
    def function(images):
        act(tmp_path)
        return shares(images)

    directory = save(tmp_path / "1", function)
    monkeypatch.setattr(tf.saved_model, "load", lambda path: pytest.fail("it was loaded"))
    with pytest.raises(ValueError, match=f"has the operation {operation}, .* not loaded"):
        ServedModel(directory)
    assert not (tmp_path / "written").exists()


def test_operation_in_a_branch_that_no_image_takes_is_found(tmp_path):
    def function(images):
        hidden = tf.cond(tf.shape(images)[0] > 1_000_000, lambda: tf.io.read_file("/etc/hostname"), lambda: tf.constant(""))
        with tf.control_dependencies([hidden]):
            return shares(tf.identity(images))

    with pytest.raises(ValueError, match="has the operation ReadFile"):
        ServedModel(save(tmp_path / "1", function))


def test_other_and_damaged_models_are_refused(tmp_path):
    directory = save(tmp_path / "1", shares)
    (directory / "assets/labels.txt").write_text("cat\n")
    with pytest.raises(ValueError, match=r"has 2 outputs, and its labels\.txt names 1 classes"):
        ServedModel(directory)
    graph = (directory / GRAPH).read_bytes()
    (directory / GRAPH).write_bytes(graph[: len(graph) // 2])
    with pytest.raises(ValueError, match=r"can't be loaded|is no SavedModel"):
        ServedModel(directory)
    (directory / GRAPH).unlink()
    with pytest.raises(ValueError, match=r"There is no saved_model\.pb"):
        ServedModel(directory)


def test_newest_version_is_taken(tmp_path):
    for version in ("2", "10", "11.partial"):
        (tmp_path / version).mkdir()
        (tmp_path / version / GRAPH).touch()
    assert served_directory(str(tmp_path)) == tmp_path / "10"
    assert served_directory(str(tmp_path / "2")) == tmp_path / "2"
    assert served_directory(str(tmp_path / "missing")) is None
