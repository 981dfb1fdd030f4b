import keras
import numpy as np
import pytest

from zfnet.components.figures.fine_tuning import draw_fine_tuning, weight_changes
from zfnet.components.figures.run_figures import RUN_FIGURES, TrainedNet


def changed(model, factor=1.5):
    """A copy of the net as it was before: the kernels of conv2 have `1 / factor` of their length."""
    before = keras.models.clone_model(model)
    before.set_weights(model.get_weights())
    kernel, bias = before.get_layer("conv2").get_weights()
    before.get_layer("conv2").set_weights([kernel / factor, bias])
    return before


def test_both_columns_show_the_same_maps_and_patches(gratings_net, search_of):
    deconvnet = gratings_net()
    figure = draw_fine_tuning(search_of(deconvnet), changed(deconvnet.model), seed=0, maps=2)
    assert next(iter(figure.pictures)) == "fine_tuning_weights"
    assert {"fine_tuning_conv1", "fine_tuning_conv2"} <= figure.pictures.keys()
    assert figure.numbers["pictures"] == [f"{name}.png" for name in figure.pictures]
    assert figure.numbers["columns"] == ["before", "after"]
    for layer, factor in (("conv1", 1), ("conv2", 1.5)):
        maps = figure.numbers["layers"][layer]["maps"]
        assert len(maps) == 2
        for before, after in maps.values():
            assert after["last_place"]["activation"] == pytest.approx(after["activation"], rel=1e-4)
            if not deconvnet.model.get_layer("conv2").bias.numpy().any():
                assert before["last_place"]["activation"] * factor == pytest.approx(after["activation"], rel=1e-4)


def test_changes_are_relative_to_the_weights_before(gratings_net):
    model = gratings_net().model
    changes = weight_changes(changed(model), model)
    assert changes["conv1"] == 0
    assert changes["conv2"] == pytest.approx(0.5, rel=1e-5)
    kernel = model.get_layer("conv2").get_weights()[0]
    assert changes["conv2"] == pytest.approx(np.linalg.norm(kernel - kernel / 1.5) / np.linalg.norm(kernel / 1.5), rel=1e-5)


def test_a_run_draws_it_only_with_a_start(gratings_net, search_of):
    deconvnet = gratings_net()
    search, draw = search_of(deconvnet), RUN_FIGURES["fine_tuning"].draw
    assert draw(TrainedNet(search, maps=1, seed=0)) is None
    assert draw(TrainedNet(search, maps=1, seed=0, start=changed(deconvnet.model))).name == "fine_tuning"
