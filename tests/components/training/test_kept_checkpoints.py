import functools
import shutil

import keras
import numpy as np
import pytest

from zfnet.components.artifacts import Model
from zfnet.components.data.batches import read_origins
from zfnet.components.figures.evolution.column import chosen_maps
from zfnet.components.figures.evolution.draw import search_evolution
from zfnet.components.training.callbacks.evolution import MAPS, WATCHED, read_evolution
from zfnet.components.training.kept_checkpoints import find_checkpoints, moments_of_training
from zfnet.model import Deconvnet


@pytest.fixture(scope="module")
def root(training, tmp_path_factory):
    """As a run leaves it: the last two checkpoints of three epochs, and those of another training."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(training / "checkpoints", root / "trainer" / "checkpoints-1")
    shutil.copytree(training / "checkpoints", root / "trainer" / "checkpoints-2")
    for state in (root / "trainer" / "checkpoints-2").glob("*/state.json"):
        state.write_text(state.read_text().replace('"loss": ', '"loss": 1'))
    return root


@pytest.fixture
def net(model):
    return keras.saving.load_model(model.path / "model.keras", compile=False)


def test_those_of_the_models_own_training_before_its_last_epoch(root, model, net):
    history = model.read_json("history.json")
    found = find_checkpoints(root, history)
    assert found
    assert {each.folder.parent.name for each in found} == {"checkpoints-1"}
    assert all(each.epoch < len(history) for each in found)
    assert find_checkpoints(root, [{"loss": 0.5}] * 3) == []
    assert find_checkpoints(root / "nowhere", history) == []


def test_afterwards_it_is_what_was_seen_while_it_trained(root, training, examples, model, net):
    history = model.read_json("history.json")
    kept = find_checkpoints(root, history)
    deconvnet = Deconvnet(net)
    layers = ["conv1", "conv4"]
    maps = {layer: chosen_maps(net.get_layer(layer).filters, MAPS * WATCHED, 0) for layer in layers}
    before, said = net.get_weights(), []
    moments = functools.partial(moments_of_training, deconvnet, kept, len(history), said.append)
    columns, same = search_evolution(moments, examples, "train", maps, 3, layers)
    assert list(columns) == [*(f"epoch {each.epoch}" for each in kept), f"epoch {len(history)}"]
    assert list(same) == list(columns)
    assert said == []
    # The callback looked at the net without its first layer, at images whose mean was subtracted.
    then = read_evolution(training / "checkpoints" / "evolution", {1, 2, 3})
    for title, column in columns.items():
        for layer in layers:
            np.testing.assert_array_equal(column[layer].maps, then[title][layer].maps)
            np.testing.assert_array_equal(column[layer].examples, then[title][layer].examples)
            np.testing.assert_array_equal(column[layer].positions, then[title][layer].positions)
            np.testing.assert_allclose(column[layer].activations, then[title][layer].activations, rtol=1e-4)
            assert np.abs(column[layer].projections.astype(int) - then[title][layer].projections).max() <= 2
            assert np.abs(column[layer].patches.astype(int) - then[title][layer].patches).max() <= 1
    assert all(np.array_equal(one, other) for one, other in zip(before, net.get_weights(), strict=True))
    assert len(read_origins(examples, "train", 5)[2]) == 5


def test_a_damaged_one_is_passed_over_with_a_word(root, examples, model, net, tmp_path):
    shutil.copytree(root, tmp_path / "root")
    history = model.read_json("history.json")
    kept = find_checkpoints(tmp_path / "root", history)
    file = kept[0].folder / "variables.npz"
    file.write_bytes(file.read_bytes()[:-100])
    said = []
    moments = [title for title, _ in moments_of_training(Deconvnet(net), kept, len(history), said.append)]
    assert moments == [*(f"epoch {each.epoch}" for each in kept[1:]), f"epoch {len(history)}"]
    assert len(said) == 1
    assert f"{kept[0].folder.name} of checkpoints-1 can't be read: variables.npz does not have its SHA-256" in said[0]


def test_one_of_another_architecture_leaves_the_model_as_it_is(root, model):
    other = keras.Sequential([keras.Input((56, 56, 3)), keras.layers.Conv2D(4, 3)])
    before = other.get_weights()
    with pytest.raises(ValueError, match="holds the variables of another net"):
        find_checkpoints(root, model.read_json("history.json"))[0].load_into(other)
    np.testing.assert_array_equal(before[0], other.get_weights()[0])


def test_kept_for_every_epoch_that_is_looked_at(examples, statistics, tmp_path):
    from zfnet.components.trainer import train

    made = Model(tmp_path / "model")
    made.path.mkdir()
    recipe = {"batch_size": 8, "learning_rate": 0.01, "patience": 5, "seed": 0, "crops": "ten", "deterministic": True}
    folders = {"checkpoints": str(tmp_path / "trainer/checkpoints-1"), "tensorboard": str(tmp_path / "tensorboard")}
    name = "zfnet-small:conv3.filters=8,conv4.filters=8,fc6.units=8,fc7.units=8"
    train(examples, statistics, made, architecture=name, epochs=5, keep_checkpoints=True, **recipe, **folders)
    assert [each.epoch for each in find_checkpoints(tmp_path, made.read_json("history.json"))] == [1, 2, 3, 4]


def test_afterwards_as_many_examples_are_searched_as_in_training(examples, net, monkeypatch):
    monkeypatch.setattr("zfnet.components.figures.evolution.column.FEWEST_SEARCHED", 9)
    columns, _ = search_evolution(lambda: [("now", Deconvnet(net))], examples, "train", {"conv1": [0, 1]}, 2, ["conv1"])
    (column,) = columns.values()
    assert column["conv1"].strongest.max() < 9 < examples.count("train")
