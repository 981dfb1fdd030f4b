import numpy as np

from zfnet.components.data.batches import central_batches, read_origins
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.components.figures.strongest_elsewhere import SHOWN_ELSEWHERE, strongest_elsewhere
from zfnet.model import Deconvnet


def test_they_are_the_strongest_of_that_unit_over_the_examples(examples, model):
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    (images, _, _), *_ = central_batches(examples, "validation", size=56, batch_size=1000).as_numpy_iterator()
    maxima = np.asarray(deconvnet.activations(images, ["conv5"])[0]).max(axis=(1, 2))
    unit = int(maxima.sum(axis=0).argmax())
    found = strongest_elsewhere(deconvnet, examples, "conv5", unit, None)
    order = np.argsort(-maxima[:, unit])
    ids = read_origins(examples, "validation")[2]
    # These photographs are whole: no two examples show one place.
    assert [each.example for each in found] == [ids[number] for number in order[:SHOWN_ELSEWHERE]]
    np.testing.assert_allclose([each.activation for each in found], maxima[order[:SHOWN_ELSEWHERE], unit], rtol=1e-5)
    assert all(each.projection.shape == each.patch.shape for each in found)
    few = strongest_elsewhere(deconvnet, examples, "conv5", unit, 2)
    assert {each.example for each in few} <= set(ids[:2])


def test_a_unit_that_is_never_positive_has_none(examples, model):
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    layer = deconvnet.model.get_layer("conv5")
    layer.bias.assign(np.full(layer.bias.shape, -1e6))
    assert strongest_elsewhere(deconvnet, examples, "conv5", 0, None) == []
