import pytest

from zfnet.components.artifacts import TrainingError
from zfnet.components.evaluation.measures import evaluate_models
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.training_error import measure_training_error


def test_counts_every_training_example_once(examples, model, bars, tmp_path):
    made = TrainingError(tmp_path)
    measure_training_error(examples, model, made)
    found = made.read_json("training_error.json")
    assert found["examples"] == examples.count("train")
    assert made.properties() == found
    assert [(bar.title, len(bar.items)) for bar in bars] == [("Evaluating", bars[0].total)]
    net = load_model_file(model.path / "model.keras")
    train, validation = (evaluate_models([Probabilities(net, examples)], split, ten_crop=False)[0][1] for split in ("train", "validation"))
    assert found == {name: train[name] for name in found} != {name: validation[name] for name in found}
    assert list(found) == ["top1_error", "top5_error", "examples"]


def test_model_that_is_not_there(examples, tmp_path):
    from zfnet.components.artifacts import Model

    with pytest.raises(ValueError, match="There is no model file"):
        measure_training_error(examples, Model(tmp_path), TrainingError(tmp_path))
