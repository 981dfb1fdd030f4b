import keras
import numpy as np
import pytest

import zfnet


def test_an_evolution_from_files(model, images, tmp_path):
    layer = model.get_layer("conv2")
    kernel, bias = layer.get_weights()
    try:
        for epoch, scale in ((1, 0.5), (2, 1.0)):
            layer.set_weights([kernel * scale, bias * scale])
            model.save(tmp_path / f"epoch_{epoch}.keras")
    finally:
        layer.set_weights([kernel, bias])
    files = sorted(tmp_path.glob("*.keras"))
    figure = zfnet.evolution(files, images, "conv2", units=[5, 2])
    assert figure.numbers["columns"] == ["epoch_1", "epoch_2"]
    maxima = zfnet.Deconvnet(model).activations(images, ["conv2"])[0].numpy().max(axis=(0, 1, 2))
    for unit, moments in figure.numbers["layers"]["conv2"]["maps"].items():
        assert [each["activation"] for each in moments] == pytest.approx(maxima[int(unit)] * np.array([0.5, 1]), rel=1e-4)
    assert figure.save(tmp_path / "evolution.png")[0].exists()
    assert len(zfnet.evolution({"a": files[0], "b": model}, images, "conv2", maps=3).numbers["layers"]["conv2"]["maps"]) == 3
    other = keras.Sequential([keras.Input((40, 56, 3)), keras.layers.Conv2D(4, 5, activation="relu", name="maps")])
    for models, words in (([model], "There is 1 model"), ([model, other], "takes images|no layer")):
        with pytest.raises(ValueError, match=words):
            zfnet.evolution(models, images, "conv2")
