import zipfile

import keras
import pytest

from zfnet.components.inputs import model_file as saved_model_file
from zfnet.components.inputs.model_file import load_model_file


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no model file .*none\.keras; expected a \.keras file"):
        load_model_file(tmp_path / "none.keras")


def test_other_file_is_refused(tmp_path):
    (tmp_path / "text.keras").write_text("not a model")
    with pytest.raises(ValueError, match="is not a Keras model file"):
        load_model_file(tmp_path / "text.keras")


def test_code_inside_a_file_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda inputs: inputs * 2)])
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match=r"lambda\.keras can't be loaded as a Keras model: it has a Lambda layer"):
        load_model_file(tmp_path / "lambda.keras")


def test_class_of_somebody_elses_program_is_named(tmp_path):
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    keras.Sequential([keras.Input((2,)), Twice()]).save(tmp_path / "custom.keras")
    with pytest.raises(ValueError, match="it needs the class 'Twice', which neither Keras nor zfnet has"):
        load_model_file(tmp_path / "custom.keras")


def test_damaged_file_is_named(tmp_path):
    path = tmp_path / "damaged.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save(path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        start = file.getinfo("config.json").header_offset + 100
    content[start : start + 20] = b"?" * 20
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.keras can't be loaded as a Keras model: Bad CRC-32"):
        load_model_file(path)


def test_size_is_that_of_what_is_packed(tmp_path, monkeypatch):
    path = tmp_path / "zeros.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.weights.h5", bytes(1 << 20))
    assert path.stat().st_size < 1 << 16
    monkeypatch.setattr(saved_model_file, "LARGEST", 1 << 19)
    with pytest.raises(ValueError, match=r"holds 1048576 bytes; model files of more than 524288 bytes"):
        load_model_file(path)
