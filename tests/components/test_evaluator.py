import json

import keras
import pytest
import tensorflow as tf

from zfnet.components.artifacts import Evaluation
from zfnet.components.evaluation import measures
from zfnet.components.evaluator import evaluate
from zfnet.model.measures.filters import filter_structure


def run(examples, statistics, model, tmp_path, **arguments):
    evaluate(examples, statistics, model, Evaluation(tmp_path), **({"ten_crop": False, "baseline": None} | arguments))
    return json.loads((tmp_path / "evaluation.json").read_text())


def test_blesses_a_net_that_learned_something(examples, statistics, model, tmp_path):
    found = run(examples, statistics, model, tmp_path)
    assert found["blessed"]
    assert found["examples"] == examples.count("validation")
    assert found["top1_error"] < 0.5
    assert found["top1_error_ten_crop"] is None
    kernel = keras.saving.load_model(model.path / "model.keras", compile=False).get_layer("conv1").kernel.numpy()
    assert found["structured"] == filter_structure(kernel).structured.mean()


def test_ten_crops_when_asked_for(examples, statistics, model, tmp_path):
    found = run(examples, statistics, model, tmp_path, ten_crop=True)
    assert 0 <= found["top1_error_ten_crop"] < 0.5
    assert found["top5_error_ten_crop"] is not None


def sum_probabilities(labels, probabilities, counted):
    return tf.reduce_sum(tf.where(counted[:, None], probabilities, 0))


def test_a_further_measure_is_in_the_file(examples, statistics, model, tmp_path, monkeypatch):
    before = run(examples, statistics, model, tmp_path, ten_crop=True)
    measure = measures.Measure(sum_probabilities, lambda total, examples: {"sum": round(float(total) / examples, 6)})
    monkeypatch.setattr(measures, "MEASURES", [*measures.MEASURES, measure])
    assert run(examples, statistics, model, tmp_path, ten_crop=True) == before | {"sum": 1, "sum_ten_crop": 1}


def test_does_not_bless_what_falls_behind_the_model_pushed_last(examples, statistics, model, tmp_path):
    baseline = tmp_path / "baseline"
    baseline.mkdir()
    (baseline / "evaluation.json").write_text(json.dumps({"top1_error": -0.1, "top5_error": 0.0}))
    found = run(examples, statistics, model, tmp_path, baseline=Evaluation(baseline))
    assert not found["blessed"]
    assert "the error of the last pushed model" in found["reason"]
    (baseline / "evaluation.json").write_text(json.dumps({"top1_error": found["top1_error"], "top5_error": 0.0}))
    assert run(examples, statistics, model, tmp_path, baseline=Evaluation(baseline))["blessed"]


def test_unreadable_model_is_named(examples, statistics, tmp_path):
    from zfnet.components.artifacts import Model

    (tmp_path / "model.keras").write_text("no model")
    with pytest.raises(ValueError, match="is not a Keras model file"):
        run(examples, statistics, Model(tmp_path), tmp_path)
