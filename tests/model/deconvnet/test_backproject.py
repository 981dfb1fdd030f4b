import keras
import numpy as np
import pytest
from keras import layers

from zfnet.model import Deconvnet
from zfnet.model.deconvnet.receptive_field import cut_window
from zfnet.model.deconvnet.windows.plan import Windows


def net(*middle, shape=(30, 26, 3)):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input(shape), *middle])


def conv(name, maps=6, **named):
    bias = keras.initializers.RandomNormal(0, 0.3)
    return layers.Conv2D(maps, 3, name=name, bias_initializer=bias, **named)


CHAINS = {
    "padding behind, on negative maps": [conv("low"), layers.ZeroPadding2D(((0, 1), (0, 1))), layers.MaxPooling2D(), conv("top")],
    "padding behind, first of all": [layers.ZeroPadding2D(((0, 2), (0, 3))), layers.MaxPooling2D(), conv("top")],
    "cropping behind": [conv("low", padding="same"), layers.Cropping2D(((0, 2), (0, 3))), conv("top", padding="same")],
    "cropping before": [conv("low", padding="same"), layers.Cropping2D(((3, 0), (2, 0))), conv("top", padding="same")],
    "same, stride 2, pools": [conv("low", strides=2, padding="same"), layers.MaxPooling2D(3, 2, padding="same"), conv("top")],
    "large maps": [conv("low", 48, padding="same"), layers.MaxPooling2D(3, 2), conv("middle", 48, strides=2), conv("top", padding="same")],
    "many places in a pool": [conv("low", padding="same"), layers.MaxPooling2D(9, 3, padding="same"), conv("top", padding="same")],
}


@pytest.mark.parametrize("name", CHAINS)
def test_windows_equal_whole_maps_everywhere(name, monkeypatch):
    model = net(*(layer.__class__.from_config(layer.get_config()) for layer in CHAINS[name]))
    images = np.random.default_rng(0).normal(size=(2, 30, 26, 3)).astype("float32")
    deconvnet = Deconvnet(model)
    recording = deconvnet.record(images)
    height, width = recording.activations("top").shape[1:3]
    rows, columns = (numbers.ravel() for numbers in np.indices((height, width)))
    targets = 2, np.stack([rows, columns], 1), np.arange(len(rows)) % 2
    windows = Windows(deconvnet.graph, deconvnet.graph.value_of("top"), recording.shapes)
    assert windows.possible
    ways = []
    for taken in (True, False):
        monkeypatch.setattr(Windows, "_choose", lambda self, found, taken=taken: found if taken else {})
        ways.append(recording.project("top", *targets))
        patches, corners = recording.project_patches("top", *targets)
        for patch, corner, frame in zip(patches, corners, ways[-1], strict=True):
            np.testing.assert_allclose(patch, cut_window(frame, corner, patch.shape[:2]), atol=1e-6 * np.abs(ways[0]).max())
            # All of it, and nothing outside of the image.
            np.testing.assert_allclose(np.abs(patch).sum(), np.abs(frame).sum(), rtol=1e-4)
    np.testing.assert_allclose(ways[0], ways[1], rtol=0, atol=1e-5 * np.abs(ways[1]).max())
    assert np.abs(ways[1]).max() > 0


ONES = np.ones((3, 8, 8, 3), "float32")


def refuses(model, match, images, ways=("project", "project_patches")):
    recording = Deconvnet(model, unsupported="gradient").record(images)
    for way in ways:
        with pytest.raises(ValueError, match=match):
            getattr(recording, way)("top", 1)


@pytest.mark.parametrize("activation", [None, "relu"])
def test_gradient_that_is_not_finite_names_its_layer(activation):
    image = keras.Input((8, 8, 3))
    maps = layers.Conv2D(3, 3, padding="same", activation=activation, kernel_initializer="ones")(image)
    model = keras.Model(image, layers.Conv2D(2, 5, kernel_initializer="ones", name="top")(keras.ops.sqrt(maps)))
    images = ONES.copy()
    assert np.isfinite(Deconvnet(model, unsupported="gradient").project(images, "top", 1)).all()
    # In the second, every window of the top sees zeros below the root.
    images[1] = 0
    images[1, 4, 4] = 1
    refuses(
        model,
        r"unit 1 of layer 'top' is not finite.*layer 'sqrt.*', of type Sqrt, .*like that of sqrt\(x\) at 0",
        images,
        ["project"],
    )


@pytest.mark.parametrize("layer", ["below", "top"])
def test_weights_that_are_not_finite_name_their_layer(layer):
    below = layers.Conv2D(3, 3, activation="relu", name="below")
    model = keras.Sequential([keras.Input((8, 8, 3)), below, layers.Conv2D(2, 3, activation="relu", name="top")])
    # Behind a ReLU that makes 0 of NaN, the activations may look right.
    model.get_layer("top").bias.assign([1, 1])
    kernel = model.get_layer(layer).kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    refuses(model, f"unit 1 of layer 'top' is not finite.*layer '{layer}', of type Conv2D, is the first|Layer 'top' has acti", ONES)


def test_activations_that_are_not_finite_name_their_layer():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="top")])
    images = ONES.copy()
    images[2, 3, 3] = np.inf
    refuses(model, "Layer 'top' has activations that are not finite numbers", images)
