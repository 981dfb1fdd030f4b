import json

import keras
import numpy as np
import pytest

from zfnet.components.artifacts import Evaluation, Model
from zfnet.components.data.batches import read_origins
from zfnet.components.evaluation import measures
from zfnet.components.evaluation.baseline import Pushed
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


def test_a_further_measure_is_in_the_file(examples, statistics, model, tmp_path, monkeypatch):
    before = run(examples, statistics, model, tmp_path, ten_crop=True)
    monkeypatch.setattr(measures, "MEASURES", [*measures.MEASURES, lambda answers: {"first": int(answers.labels[0])}])
    label = int(read_origins(examples, "validation").labels[0])
    assert run(examples, statistics, model, tmp_path, ten_crop=True) == before | {"first": label, "first_ten_crop": label}


def test_tells_where_a_net_errs(examples, statistics, tmp_path):
    """The net always answers the first class, with the same probability."""
    net = keras.Sequential([keras.Input((56, 56, 3)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax", kernel_initializer="zeros")])
    net.layers[-1].bias.assign([2.0, 0.0, 0.0])
    net.add(keras.layers.Identity(name="conv1"))
    (tmp_path / "model").mkdir()
    net.save(tmp_path / "model/model.keras")
    found = run(examples, statistics, Model(tmp_path / "model"), tmp_path)
    origins, names = read_origins(examples, "validation"), examples.labels
    counts = np.bincount(origins.labels, minlength=3)
    assert np.load(tmp_path / "confusion.npy").tolist() == [[count, 0, 0] for count in counts]
    assert [each["top1_error"] for each in found["classes"]] == [0, 1, 1]
    assert [each["examples"] for each in found["classes"]] == counts.tolist()
    assert found["classes"][1]["mistaken_for"] == [{"class": names[0], "examples": counts[1]}]
    assert {(each["class"], each["predicted"], each["examples"]) for each in found["confused"]} == {
        (names[label], names[0], counts[label]) for label in (1, 2)
    }
    wrong = [(id, names[label]) for id, label in zip(origins.ids, origins.labels, strict=True) if label]
    assert [(each["id"], each["class"]) for each in found["mistakes"]] == wrong[:100]
    probability = np.e**2 / (np.e**2 + 2)
    assert found["mistakes"][0]["probability"] == pytest.approx(probability)
    assert found["expected_calibration_error"] == pytest.approx(abs(probability - (1 - found["top1_error"])))


def test_errors_by_the_values_of_a_column(examples, statistics, model, tmp_path):
    ids = read_origins(examples, "validation").ids
    cameras = ["old" if number % 3 else "new" for number in range(len(ids))]
    rows = [f"{id},cat,{camera}" for id, camera in zip(ids, cameras, strict=True)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["path,label,camera", *rows]))
    found = run(examples, statistics, model, tmp_path, slice_by="camera", slice_table=str(table))
    assert (found["slice_by"], [each["value"] for each in found["slices"]]) == ("camera", ["old", "new"])
    assert [each["examples"] for each in found["slices"]] == [cameras.count("old"), cameras.count("new")]
    wrong = {each["id"] for each in found["mistakes"]}
    for each in found["slices"]:
        own = [id in wrong for id, camera in zip(ids, cameras, strict=True) if camera == each["value"]]
        assert each["top1_error"] == pytest.approx(np.mean(own))
    assert "slices" not in run(examples, statistics, model, tmp_path)
    table.write_text("\n".join(["path,label,camera", *rows[1:]]))
    with pytest.raises(ValueError, match="has no row for the example"):
        run(examples, statistics, model, tmp_path, slice_by="camera", slice_table=str(table))


def test_does_not_bless_what_falls_behind_the_model_pushed_last(examples, statistics, model, tmp_path):
    baseline = tmp_path / "baseline"
    baseline.mkdir()
    pushed = Pushed(7, tmp_path / "serving/7", examples.digest(), Evaluation(baseline))
    (baseline / "evaluation.json").write_text(json.dumps({"top1_error": -0.1, "top5_error": 0.0}))
    found = run(examples, statistics, model, tmp_path, baseline=pushed)
    assert not found["blessed"]
    assert "the error of the last pushed model" in found["reason"]
    (baseline / "evaluation.json").write_text(json.dumps({"top1_error": found["top1_error"], "top5_error": 0.0}))
    assert run(examples, statistics, model, tmp_path, baseline=pushed)["blessed"]


def test_model_pushed_for_other_examples_is_evaluated_on_these(examples, statistics, model, tmp_path):
    found = run(examples, statistics, model, tmp_path, baseline=Pushed(7, tmp_path / "serving/7", "others", model=model))
    assert found["blessed"]  # equal is good enough
    assert found["baseline"]["top1_error"] == found["top1_error"]
    last = "the error of the last pushed model, version 7, evaluated anew on these examples"
    assert f"not above {found['top1_error']:.4f}, {last}" in found["reason"]


def test_thresholds_decide_as_well(examples, statistics, model, tmp_path):
    met, unmet = ("top1_error<0.9", "top1_error[*]<=1"), ("top5_error>0.5", "examples[red]>=1000")
    found = run(examples, statistics, model, tmp_path, thresholds=met)
    assert (found["blessed"], found["thresholds"]) == (True, list(met))
    found = run(examples, statistics, model, tmp_path, thresholds=met + unmet)
    assert not found["blessed"]
    assert "top5_error is 0, expected top5_error>0.5; examples of red is " in found["reason"]
    with pytest.raises(ValueError, match=r"there is no class 'rad' in the data; there are blue, green, red\."):
        run(examples, statistics, model, tmp_path, thresholds=("top1_error[rad]<1",))


def test_unreadable_model_is_named(examples, statistics, tmp_path):
    (tmp_path / "model.keras").write_text("no model")
    with pytest.raises(ValueError, match="is not a Keras model file"):
        run(examples, statistics, Model(tmp_path), tmp_path)
