import keras
import numpy as np
import pytest

from zfnet.components.training.checkpoints import Checkpoints


def make(folder):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=2, min_delta=10)
    return model, plateau, Checkpoints(folder, plateau)


def fit(model, plateau, checkpoints, first, last):
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(32, 4)), rng.normal(size=(32, 1))
    model.fit(inputs, targets, initial_epoch=first, epochs=last, shuffle=False, callbacks=[plateau, checkpoints], verbose=0)


def test_going_on_equals_never_having_stopped(tmp_path):
    whole = make(tmp_path / "whole")
    fit(*whole, 0, 7)
    fit(*make(tmp_path / "parts"), 0, 3)
    model, plateau, checkpoints = make(tmp_path / "parts")
    done = checkpoints.restore(model, 7)
    assert done == 3
    fit(model, plateau, checkpoints, done, 7)
    # Weights, momentum, dropout's seeds and the learning rate that the plateau schedule lowered.
    for one, other in zip(model.weights + model.optimizer.variables, whole[0].weights + whole[0].optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert float(model.optimizer.learning_rate) < 0.05
    assert checkpoints.history == whole[2].history


def test_later_checkpoints_are_passed_over(tmp_path):
    fit(*make(tmp_path), 0, 4)
    model, _, checkpoints = make(tmp_path)
    assert checkpoints.restore(model, 3) == 3
    assert make(tmp_path)[2].restore(model, 1) == 0


def test_the_one_before_is_taken_where_the_last_is_cut_short(tmp_path):
    fit(*make(tmp_path), 0, 3)
    weights = tmp_path / "epoch-0003" / "state.weights.h5"
    weights.write_bytes(weights.read_bytes()[:1000])
    model, _, checkpoints = make(tmp_path)
    assert checkpoints.restore(model, 5) == 2
    (tmp_path / "epoch-0002" / "state.json").write_text("{")
    with pytest.raises(ValueError, match=r"No checkpoint in .* can be read"):
        make(tmp_path)[2].restore(model, 5)


def test_only_the_last_are_kept_and_nothing_half_is_taken(tmp_path):
    fit(*make(tmp_path), 0, 5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-0004", "epoch-0005"]
    (tmp_path / "epoch-0006.partial").mkdir()
    model, _, checkpoints = make(tmp_path)
    assert checkpoints.restore(model, 9) == 5
