"""Exported models with planted faults, asked in a process that has TensorFlow alone."""

import json
import pathlib
import shutil

import pytest
import tensorflow as tf

from zfnet.components.serving import check, export
from zfnet.components.serving.check import TOLERANCE, check_export


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory):
    """A SavedModel without a fault."""
    path = tmp_path_factory.mktemp("export") / "1"
    export.export(model, side=64, path=path)
    return path


@pytest.fixture
def exported(model, tmp_path, monkeypatch):
    """Exports the model with another function of one signature."""

    def make(function: str, spoil) -> str:
        original = getattr(export, function)
        monkeypatch.setattr(export, function, lambda *arguments: spoil(original(*arguments)))
        export.export(model, side=64, path=tmp_path / "1")
        return tmp_path / "1"

    return make


def test_whole_model_passes_and_is_timed(whole, model, examples):
    found = check_export(whole, model, examples, 300)
    assert (found["photographs"], found["tensorflow"]) == (4, tf.__version__)
    assert found["load_seconds"] > 0
    assert set(found["signatures"]) == {"serving_default", "probabilities", "project"}
    for asked in found["signatures"].values():
        assert asked["difference"] < TOLERANCE
        assert asked["seconds"]["first"] > 0
        assert asked["seconds"]["second"] > 0
    assert json.loads(json.dumps(found)) == found


def test_wrong_probabilities(exported, model, examples):
    def spoil(classify):
        return lambda image_bytes: (answer := classify(image_bytes)) | {"probabilities": answer["probabilities"] * 0.9}

    with pytest.raises(ValueError, match=r"wrongly in its signature serving_default.*probabilities differ by .* expected at most 0\.001"):
        check_export(exported("classification", spoil), model, examples, 300)


def test_labels_of_other_classes(exported, model, examples):
    def spoil(classify):
        return lambda image_bytes: (answer := classify(image_bytes)) | {"labels": answer["labels"][:, ::-1]}

    with pytest.raises(ValueError, match=r"wrongly in its signature serving_default.*probabilities of its labels differ"):
        check_export(exported("classification", spoil), model, examples, 300)


def test_another_projection(exported, model, examples):
    def spoil(project):
        def black(image_bytes, layer, unit):
            answer = project(image_bytes, layer, unit)
            nothing = tf.io.encode_png(tf.zeros((56, 56, 3), tf.uint8))
            return answer | {"projection_bytes": tf.repeat(nothing, tf.size(layer))}

        return black

    with pytest.raises(ValueError, match=r"wrongly in its signature project.*the projection from .* is another one"):
        check_export(exported("projection", spoil), model, examples, 300)


def test_signature_that_raises(exported, model, examples):
    def spoil(classify):
        def fail(image_bytes):
            with tf.control_dependencies([tf.debugging.Assert(tf.size(image_bytes) < 0, ["the table is empty"])]):
                return classify(tf.identity(image_bytes))

        return fail

    with pytest.raises(ValueError, match=r"fails in its signature serving_default, and is not served: .*the table is empty"):
        check_export(exported("classification", spoil), model, examples, 300)


def test_signature_that_hangs(exported, model, examples):
    def spoil(project):
        def wait(image_bytes, layer, unit):
            (number,) = tf.while_loop(lambda number: number >= 0, lambda number: (number * 0,), (tf.size(image_bytes),))
            with tf.control_dependencies([number]):
                return project(tf.identity(image_bytes), layer, unit)

        return wait

    with pytest.raises(ValueError, match=r"fails in its signature project.*no answer within 30 s.*--check-seconds"):
        check_export(exported("projection", spoil), model, examples, 30)


@pytest.mark.parametrize("fault", ["cut", "operation"])
def test_saved_model_that_is_damaged(whole, model, examples, tmp_path, fault):
    damaged = shutil.copytree(whole, tmp_path / "1") / "saved_model.pb"
    content = damaged.read_bytes()
    # Of the same length, so that the file can still be parsed.
    damaged.write_bytes(content[: len(content) // 2] if fault == "cut" else content.replace(b"MaxPool", b"MaxPoll"))
    named = "MaxPoll" if fault == "operation" else ""
    with pytest.raises(ValueError, match=f"can't be loaded with TensorFlow alone, and is not served: .*{named}"):
        check_export(damaged.parent, model, examples, 300)


def test_keras_and_this_project_are_not_there(whole, model, examples, tmp_path, monkeypatch):
    script = tmp_path / "ask.py"
    script.write_text(pathlib.Path(check.ask.__file__).read_text().replace("    try:\n", "    try:\n        import zfnet.model\n", 1))
    monkeypatch.setattr(check.ask, "__file__", str(script))
    with pytest.raises(ValueError, match=r"No module named 'zfnet\.model'"):
        check_export(whole, model, examples, 300)
