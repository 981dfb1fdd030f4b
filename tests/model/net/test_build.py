import contextlib
import itertools
import random

import keras
import numpy as np
import pytest

from zfnet.model.net.architecture import ARCHITECTURES, Architecture
from zfnet.model.net.build import AlexNet, ZFNet, build
from zfnet.model.net.layers import FilterRmsClip


def sizes(model, *names):
    return [model.get_layer(name).output.shape[1] for name in names]


def test_zfnet_is_the_papers():
    model = ZFNet()
    assert model.count_params() == 62_357_608
    assert sizes(model, "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5") == [110, 55, 26, 13, 13, 13, 13, 6]
    names = [layer.name for layer in model.layers]
    assert names.index("pool1") + 1 == names.index("norm1")
    assert names.index("pool2") + 1 == names.index("norm2")
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.5, 0.5]


def test_alexnet_is_krizhevskys_on_one_gpu():
    model = AlexNet()
    assert model.count_params() == 62_378_344
    assert sizes(model, "conv1", "pool1", "conv2", "pool2", "conv5", "pool5") == [55, 27, 27, 13, 13, 6]
    names = [layer.name for layer in model.layers]
    assert names.index("norm1") + 1 == names.index("pool1")


@pytest.mark.parametrize(("name", "parameters"), [("imgclsmob-zfnet", 62_357_608), ("imgclsmob-zfnetb", 107_627_624)])
def test_nets_of_imgclsmob_have_its_numbers_of_parameters(name, parameters):
    model = build(name, include_top=False)
    units = (model.output_shape[3] * 36, 4096, 4096, 1000)
    assert model.count_params() + sum((below + 1) * above for below, above in itertools.pairwise(units)) == parameters
    names = [layer.name for layer in model.layers]
    assert names.index("norm1") + 1 == names.index("pool1")
    assert names.index("norm2") + 1 == names.index("pool2")


def test_initialisation_and_clip_are_the_papers():
    keras.utils.set_random_seed(0)
    model = ZFNet(include_top=False)
    for name in ("conv1", "conv3", "conv5"):
        layer = model.get_layer(name)
        assert float(np.std(layer.kernel)) == pytest.approx(0.01, rel=0.05)
        assert not np.any(layer.bias)
        assert isinstance(layer.kernel_constraint, FilterRmsClip)
        assert layer.kernel_constraint.radius == 0.1


def test_without_top_it_ends_at_pool5():
    assert ZFNet(include_top=False).output_shape == (None, 6, 6, 256)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if "dense-8192" not in name and "small" not in name])
def test_every_row_takes_224_pixels(name):
    assert build(name, (224, 224, 3), 10, include_top=False).output_shape[1:3] == (6, 6)


@pytest.mark.parametrize("name", ["zfnet-small", "alexnet-small"])
def test_small_rows_keep_the_topology_at_half_the_width(name):
    small, large = build(name, classes=15), build(name.removesuffix("-small"))
    # The small net's first layer scales the input; from there on the layers are the same.
    assert [layer.name for layer in small.layers if layer.name != "input_scale"] == [layer.name for layer in large.layers]
    assert small.get_layer("conv3").filters * 2 == large.get_layer("conv3").filters
    assert small.output_shape == (None, 15)


def test_mean_image_is_subtracted_first():
    keras.utils.set_random_seed(1)
    mean = np.random.default_rng(0).uniform(80, 140, (96, 80, 3)).astype("float32")
    centred = build("zfnet-small", (96, 80, 3), 4)
    raw = build("zfnet-small", (96, 80, 3), 4, mean_image=mean)
    for layer in centred.layers:
        raw.get_layer(layer.name).set_weights(layer.get_weights())
    images = np.random.default_rng(1).uniform(0, 255, (2, 96, 80, 3)).astype("float32")
    np.testing.assert_allclose(raw(images), centred(images - mean), rtol=1e-4)


def test_a_seed_decides_the_weights_whatever_else_draws_random_numbers(monkeypatch):
    def made(**seed):
        net = build("zfnet-small", (64, 64, 3), 4, **seed)
        return [np.array(variable.value) for variable in net.variables]

    keras.utils.set_random_seed(8)
    expected = made()
    # A thread that draws from Python's global generator before each layer.
    initializer = keras.initializers.HeNormal.__init__
    monkeypatch.setattr(keras.initializers.HeNormal, "__init__", lambda self, *args: random.random() and initializer(self, *args))
    keras.utils.set_random_seed(8)
    disturbed = made()
    assert any(not np.array_equal(one, other) for one, other in zip(expected, disturbed, strict=True))
    for one, other in zip(expected, made(seed=8), strict=True):
        np.testing.assert_array_equal(one, other)


def test_too_small_an_input_says_which_layer_is_short_of_positions():
    with pytest.raises(ValueError, match=r"conv2 has filters of 5 x 5, but only 3 x 3 positions"):
        build("zfnet", (16, 16, 3))


@pytest.mark.parametrize("name", ["zfnet", "alexnet", "zfnet-small", "zfnet-small:conv1.padding=same,without=conv5,conv2.pool=valid"])
def test_the_smallest_input_is_the_smallest_that_keras_builds(name, monkeypatch):
    def builds(height, width):
        with contextlib.suppress(ValueError):
            return build(name, (height, width, 3), 2, include_top=False)

    smallest = next(size for size in range(1, 200) if builds(size, size))
    assert builds(smallest - 1, smallest) is builds(smallest, smallest - 1) is None
    monkeypatch.setattr(Architecture, "check_size", lambda self, height, width: None)
    assert min(min(layer.output.shape[1:3]) for layer in builds(smallest, smallest).layers) >= 1
    assert builds(smallest - 1, smallest - 1) is None


def test_model_survives_saving(tmp_path):
    model = build("zfnet-small", (96, 80, 3), 4, mean_image=np.full((96, 80, 3), 120.0))
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(1).uniform(0, 255, (2, 96, 80, 3)).astype("float32")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(images), model(images))
