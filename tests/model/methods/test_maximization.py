import keras
import numpy as np
import pytest

import zfnet
from zfnet.model.methods.maximization import maximize_activation

layers = keras.layers


def test_the_best_image_of_a_linear_unit_is_known():
    """A sum of weighted pixels is largest if each is 255 where its weight is positive and 0 where it is negative."""
    model = keras.Sequential([keras.Input((12, 12, 3)), layers.Flatten(), layers.Dense(2, use_bias=False, name="top")])
    rows = np.sign(np.sin(np.arange(12) * 2 * np.pi / 12 + 0.3))
    kernel = np.zeros((12, 12, 3, 2), "float32")
    kernel[..., 1] = rows[:, None, None] / 100  # Brighter above, darker below.
    model.set_weights([kernel.reshape(-1, 2)])
    made = maximize_activation(zfnet.Deconvnet(model), "top", 1, size=(12, 12), steps=200)
    best = 255 * kernel[..., 1].clip(0).sum()
    assert made.activation > 0.6 * best
    assert made.activation == pytest.approx(float((made.image * kernel[..., 1]).sum()), rel=1e-3)
    assert (made.image.min() >= 0) & (made.image.max() <= 255)
    assert made.image[rows > 0].mean() > 200
    assert made.image[rows < 0].mean() < 60


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_it_is_more_active_than_in_any_of_many_images(layout):
    keras.utils.set_random_seed(1)
    sees = {"data_format": layout, "activation": "relu"}
    shape = (3, 32, 24) if layout == "channels_first" else (32, 24, 3)
    model = keras.Sequential([keras.Input(shape), layers.Conv2D(8, 5, **sees), layers.Conv2D(6, 5, strides=2, name="conv", **sees)])
    deconvnet = zfnet.Deconvnet(model)
    images = np.random.default_rng(0).uniform(0, 255, (200, *shape)).astype("float32")
    maps = np.asarray(deconvnet.activations(images, ["conv"])[0])
    maps = np.moveaxis(maps, 1, -1) if layout == "channels_first" else maps
    unit = int(maps.max(axis=(0, 1, 2)).argmax())
    made = maximize_activation(deconvnet, "conv", unit, (5, 2), size=(32, 24), steps=60)
    assert made.activation > 1.2 * maps[..., unit].max()
    given = np.moveaxis(made.image, -1, 0) if layout == "channels_first" else made.image
    again = np.asarray(deconvnet.activations(given[None], ["conv"])[0])[0]
    assert made.activation == pytest.approx(again[(unit, 5, 2) if layout == "channels_first" else (5, 2, unit)], rel=1e-4)


def test_a_unit_that_is_not_active_at_first():
    """The gradient of its ReLU is 0 in the noise; that of the sum below is not."""
    model = keras.Sequential([keras.Input((9, 9, 3)), layers.Conv2D(1, 3, activation="relu", name="conv")])
    kernel = np.zeros((3, 3, 3, 1), "float32")
    kernel[:, 1] = 1
    model.set_weights([kernel, np.array([-9 * 200.0], "float32")])  # Active only in images brighter than 200.
    deconvnet = zfnet.Deconvnet(model)
    assert maximize_activation(deconvnet, "conv", 0, size=(9, 9), steps=1).activation == 0
    assert maximize_activation(deconvnet, "conv", 0, size=(9, 9), steps=150).activation > 0


def test_shifts_are_small_beside_what_the_unit_sees():
    """Shifted by more than a few pixels, the edge that this unit looks for would be blurred away."""
    model = keras.Sequential([keras.Input((96, 96, 3)), layers.Conv2D(1, 4, use_bias=False, name="conv")])
    kernel = np.ones((4, 4, 3, 1), "float32")
    kernel[:, :2] = -1
    model.set_weights([kernel])
    made = maximize_activation(zfnet.Deconvnet(model), "conv", 0, size=(96, 96))
    assert made.activation > 0.8 * 255 * kernel.clip(0).sum()


def test_the_seed_decides():
    model = keras.Sequential([keras.Input((9, 9, 3)), layers.Conv2D(2, 3, name="conv")])
    deconvnet = zfnet.Deconvnet(model)
    one, same, other = (maximize_activation(deconvnet, "conv", 1, size=(9, 9), steps=3, seed=seed).image for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_errors():
    deconvnet = zfnet.Deconvnet(keras.Sequential([keras.Input((9, 9, 3)), layers.Conv2D(2, 3, name="conv")]))
    with pytest.raises(ValueError, match="There is no unit 2 in layer 'conv'"):
        maximize_activation(deconvnet, "conv", 2, size=(9, 9))
    with pytest.raises(ValueError, match="There is no row 7 in layer 'conv'"):
        maximize_activation(deconvnet, "conv", 0, (7, 0), size=(9, 9))
    with pytest.raises(ValueError, match="steps is 0; expected at least 1"):
        maximize_activation(deconvnet, "conv", 0, size=(9, 9), steps=0)
