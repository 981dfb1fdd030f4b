import keras
import pytest

from zfnet.components.evaluation.saved_model_file import load_model_file


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
    with pytest.raises(ValueError, match=r"lambda\.keras can't be loaded as a Keras model"):
        load_model_file(tmp_path / "lambda.keras")
