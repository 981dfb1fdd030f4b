import pytest

from zfnet.components.artifacts import TrainingError
from zfnet.components.evaluation.errors import measure_errors
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.components.training_error import measure_training_error


def test_counts_every_training_example_once(examples, model, tmp_path):
    seen = []

    def progress(batches, length, title):
        for batch in batches:
            seen.append((length, title))
            yield batch

    made = TrainingError(tmp_path)
    measure_training_error(examples, model, made, progress=progress)
    found = made.read_json("training_error.json")
    assert found["examples"] == examples.count("train")
    assert made.properties() == found
    assert seen == [(seen[0][0], "Evaluating")] * seen[0][0]
    net = load_model_file(model.path / "model.keras")
    assert found == measure_errors(net, examples, "train") != measure_errors(net, examples, "validation")


def test_model_that_is_not_there(examples, tmp_path):
    from zfnet.components.artifacts import Model

    with pytest.raises(ValueError, match="There is no model file"):
        measure_training_error(examples, Model(tmp_path), TrainingError(tmp_path))
