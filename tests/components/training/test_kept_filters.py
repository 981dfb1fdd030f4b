import numpy as np
import pytest

from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.training.kept_filters import KeptFilters, find_filters
from zfnet.model import Deconvnet


@pytest.fixture(scope="module")
def deconvnet(training):
    return Deconvnet(load_model_file(training / "model" / "model.keras"))


def test_filters_of_a_training_are_loaded_moment_by_moment(training, deconvnet):
    kept = KeptFilters(deconvnet, training / "checkpoints" / "evolution", 3)
    assert kept.titles == ["untrained", "epoch 1", "epoch 2", "epoch 3"]
    first, fc6 = deconvnet.model.get_layer("conv1"), deconvnet.model.get_layer("fc6")
    own, dense = first.get_weights()[0], fc6.get_weights()[0]
    seen = []
    for epoch, (title, net) in enumerate(kept.moments()):
        assert net is deconvnet
        assert title == kept.titles[epoch]
        seen.append(first.get_weights()[0])
        with np.load(training / "checkpoints" / "evolution" / f"filters-{epoch:04d}.npz") as arrays:
            np.testing.assert_array_equal(seen[-1], arrays["arr_0"])
        np.testing.assert_array_equal(fc6.get_weights()[0], dense)
    assert not np.array_equal(seen[0], seen[-1])
    np.testing.assert_array_equal(seen[-1], own)
    np.testing.assert_array_equal(first.get_weights()[0], own)
    assert [title for title, _ in kept.moments(only_earlier=True)] == kept.titles[:-1]
    np.testing.assert_array_equal(first.get_weights()[0], own)


def test_own_filters_come_back_if_a_moment_is_the_last_looked_at(training, deconvnet):
    own = deconvnet.model.get_layer("conv3").get_weights()[0]
    moments = KeptFilters(deconvnet, training / "checkpoints" / "evolution", 3).moments()
    next(moments)
    assert not np.array_equal(deconvnet.model.get_layer("conv3").get_weights()[0], own)
    moments.close()
    np.testing.assert_array_equal(deconvnet.model.get_layer("conv3").get_weights()[0], own)


def test_layers_above_other_weights_are_not_held(training, deconvnet):
    kept = KeptFilters(deconvnet, training / "checkpoints" / "evolution", 3)
    assert [layer for layer in ("conv1", "conv5", "pool5", "fc6", "predictions") if kept.holds(layer)] == ["conv1", "conv5", "pool5"]


def test_filters_of_another_training_are_none(training, deconvnet, tmp_path):
    folder = tmp_path / "evolution"
    folder.mkdir()
    with pytest.raises(ValueError, match=r"holds no filters of epoch 3 and of one before it"):
        KeptFilters(deconvnet, folder, 3)
    for epoch in (0, 3):
        with np.load(training / "checkpoints" / "evolution" / "filters-0000.npz") as arrays:
            np.savez(folder / f"filters-{epoch:04d}.npz", *arrays.values())
    with pytest.raises(ValueError, match=r"holds the filters of another training than the model"):
        KeptFilters(deconvnet, folder, 3)
    np.savez(folder / "filters-0003.npz", np.zeros(3))
    with pytest.raises(ValueError, match=r"holds filters of other shapes"):
        KeptFilters(deconvnet, folder, 3)
    (folder / "filters-0003.npz").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"can't be read"):
        KeptFilters(deconvnet, folder, 3)
    assert find_filters(deconvnet, [tmp_path, tmp_path / "none"], 3) is None
    assert find_filters(deconvnet, [tmp_path, training / "checkpoints"], 3).titles[-1] == "epoch 3"
