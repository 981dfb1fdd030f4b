import re

import keras
import pytest

from zfnet.components.inputs.foreign_model import foreign_model
from zfnet.components.inputs.model_file import load_model_file
from zfnet.pipeline.cli.arguments import find_model


def refused_alike(path):
    """The message, which is the same for commands and in Python."""
    message = foreign_model(path)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        load_model_file(path)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        find_model(str(path)).open_model("raw")
    return message


def test_saved_model(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).export(tmp_path / "saved", verbose=False)
    message = refused_alike(tmp_path / "saved")
    assert "is a SavedModel, whose layers can't be looked into" in message
    assert message.endswith("save it with model.save('model.keras').")
    (tmp_path / "saved" / "keras_metadata.pb").touch()
    assert "tf_keras.models.load_model(" in refused_alike(tmp_path / "saved")


def test_unpacked_file(tmp_path):
    (tmp_path / "config.json").touch()
    (tmp_path / "model.weights.h5").touch()
    assert "is an unpacked .keras file. Pack it again: cd" in refused_alike(tmp_path)


def test_directory_of_something_else(tmp_path):
    assert refused_alike(tmp_path).startswith(f"There is no run.json in {tmp_path}; expected a .keras or .h5 file, a directory")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("net.tflite", "TensorFlow Lite"),
        ("net.ONNX", "an ONNX model"),
        ("net.pth", "PyTorch"),
        ("net.json", "without weights"),
        ("net", "not a Keras model file"),
    ],
)
def test_files_of_others(tmp_path, name, kind):
    (tmp_path / name).write_bytes(b"something")
    assert kind in refused_alike(tmp_path / name)
