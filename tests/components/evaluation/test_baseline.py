import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.artifacts import Evaluation, Examples, Model
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.evaluation.baseline import Pushed, measure_baseline
from zfnet.components.serving.export import export


@pytest.fixture
def pushed(model, tmp_path):
    """The trained net as a model that was pushed for other examples; `changed` makes it another model first."""

    def make(change=None, labels=None, **also):
        copy = Model(shutil.copytree(model.path, tmp_path / "model"))
        if change:
            net = change(keras.saving.load_model(copy.path / "model.keras", compile=False))
            net.save(copy.path / "model.keras")
        if labels:
            (copy.path / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
        return Pushed(4, tmp_path / "serving/4", "another", **{"model": copy} | also)

    return make


def top1_error(net, examples, order=(0, 1, 2), size=None):
    """The top-1 error by plain Keras and numpy."""
    [(images, labels, _)] = central_crops(examples, "validation", size=examples.image_size, batch_size=1000)
    if size:
        images = tf.image.resize(images, (size, size), antialias=True)
    answers = np.asarray(net(images, training=False))[:, list(order)]
    return float(np.mean(answers.argmax(axis=1) != labels))


def evaluation(directory, **errors):
    (directory / "evaluation").mkdir()
    (directory / "evaluation/evaluation.json").write_text(json.dumps(errors))
    return Evaluation(directory / "evaluation")


def test_recorded_errors_hold_for_the_same_examples(examples, pushed, tmp_path):
    recorded = evaluation(tmp_path, top1_error=0.25, top5_error=0.125, examples=8)
    found = measure_baseline(pushed(evaluation=recorded)._replace(examples_digest=examples.digest()), examples)
    assert found == {"version": 4, "top1_error": 0.25, "top5_error": 0.125, "not_compared": None, "evaluated_anew": False}


def test_other_examples_are_evaluated_anew(examples, pushed, model, tmp_path):
    recorded = evaluation(tmp_path, top1_error=0.99, top5_error=0.99)
    found = measure_baseline(pushed(evaluation=recorded, examples=examples), examples)
    net = keras.saving.load_model(model.path / "model.keras", compile=False)
    assert found["top1_error"] == pytest.approx(top1_error(net, examples))
    # The same directory: none of its validation examples is among those for training.
    assert (found["evaluated_anew"], found["trained_on"], found["scaled_to"], found["not_compared"]) == (True, 0, None, None)


def test_lost_evaluation_is_made_anew(examples, pushed):
    found = measure_baseline(pushed()._replace(examples_digest=examples.digest()), examples)
    assert found["evaluated_anew"]
    assert found["trained_on"] is None


def test_examples_of_its_training_are_counted(examples, pushed, tmp_path):
    manifest = examples.read_json("manifest.json")
    manifest["splits"] |= {"train": manifest["splits"]["validation"]}
    before = Examples(shutil.copytree(examples.path, tmp_path / "before"))
    (before.path / "manifest.json").write_text(json.dumps(manifest))
    assert measure_baseline(pushed(examples=before), examples)["trained_on"] == len(read_origins(examples, "validation").ids)


def test_classes_are_matched_by_name(examples, pushed, model):
    def reverse(net):
        head = net.get_layer("predictions")
        head.set_weights([values[..., ::-1] for values in head.get_weights()])
        return net

    net = keras.saving.load_model(model.path / "model.keras", compile=False)
    found = measure_baseline(pushed(reverse, labels=examples.labels[::-1]), examples)
    assert found["top1_error"] == pytest.approx(top1_error(net, examples))
    assert found["top1_error"] < 0.5 < top1_error(net, examples, order=(2, 0, 1))


def test_model_of_other_classes_is_not_compared(examples, pushed):
    found = measure_baseline(pushed(labels=["blue", "green", "violet"]), examples)
    assert found["top1_error"] is None
    assert "that version 4 does not know: 'red'" in found["not_compared"]


def test_model_of_another_size_sees_scaled_images(examples, pushed):
    def smaller(net):
        keras.utils.set_random_seed(3)
        images = keras.Input((40, 40, 3))
        return keras.Model(images, keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))))

    made = pushed(smaller)
    found = measure_baseline(made, examples)
    assert found["scaled_to"] == 40
    net = keras.saving.load_model(made.model.path / "model.keras", compile=False)
    assert found["top1_error"] == pytest.approx(top1_error(net, examples, size=40))


def test_damaged_model_is_an_error(examples, pushed):
    # Else a worse model would be blessed.
    made = pushed()
    (made.model.path / "model.keras").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"is not a Keras model file.* Put a copy of the file back"):
        measure_baseline(made, examples)


@pytest.mark.slow
def test_served_version_is_evaluated(examples, pushed, model, tmp_path):
    served = pushed(model=None)
    assert "serving/4" in measure_baseline(served, examples)["not_compared"]
    export(model, side=examples.side, path=served.served)
    net = keras.saving.load_model(model.path / "model.keras", compile=False)
    damaged = served._replace(model=Model(tmp_path / "model"))
    (damaged.model.path / "model.keras").write_bytes(b"PK")
    for each in (served, damaged):
        found = measure_baseline(each, examples)
        assert found["top1_error"] == pytest.approx(top1_error(net, examples))
        assert found["trained_on"] is None
