"""The nets of imgclsmob in numpy, and files of random weights with the names, shapes and order of those that it publishes for Keras."""

from collections.abc import Callable
from typing import NamedTuple

import h5py
import numpy as np
import pytest

CONVOLUTIONS = ("stage1/unit1/conv/conv/conv", "stage2/unit1/conv/conv", *(f"stage3/unit{unit}/conv/conv" for unit in (1, 2, 3)))
DENSE = "output/fc1/fc", "output/fc2/fc", "output/fc3"
# Standard deviations of the sums of the first two layers, so large that the contrast normalisation changes activations a lot.
SCALES = 300, 4
GEOMETRY = (2, 1), (2, 0), (1, 1), (1, 1), (1, 1)  # stride and padding of each convolution


def write_weights(path, row, positions, classes):
    """Writes weights of a row of the table, for a net with so many positions below its dense layers; returns kernels and biases."""
    rng, weights, layers = np.random.default_rng(5), [], ["input_1"]
    below = 3
    shapes = []
    for convolution in row.convolutions:
        shapes.append((convolution.filters, below, convolution.kernel, convolution.kernel))
        below = convolution.filters
    below *= positions
    for units in (*(layer.units for layer in row.dense), classes):
        shapes.append((below, units))
        below = units
    with h5py.File(path, "w") as file:
        for number, (name, shape) in enumerate(zip((*(f"features/{each}" for each in CONVOLUTIONS), *DENSE), shapes, strict=True)):
            inputs, units = (np.prod(shape[1:]), shape[0]) if len(shape) == 4 else shape
            kernel = rng.standard_normal(shape, np.float32) * np.float32((SCALES[number] if number < 2 else 1) / np.sqrt(inputs))
            bias = rng.standard_normal(units, np.float32)
            weights.append((kernel, bias))
            layers += [name, f"{name}/activ"]
            group = file.require_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel1".encode(), f"{name}/bias1".encode()]
            group[f"{name}/kernel1"], group[f"{name}/bias1"] = kernel, bias
        for name in layers:
            if "weight_names" not in file.require_group(name).attrs:
                file[name].attrs["weight_names"] = np.zeros(0)  # As h5py stores an empty list.
        file.attrs["layer_names"] = [name.encode() for name in layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"mxnet", b"2.2.4.1"
    return weights


def convolve(maps, kernel, bias, stride, padding):
    padded = np.pad(maps, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    return np.moveaxis(np.tensordot(windows, kernel, ([1, 4, 5], [1, 2, 3])) + bias, 3, 1)


def normalize(maps):
    """Contrast normalisation of PyTorch and MXNet: alpha, 1e-4, is divided by the five maps of the sum."""
    squares = np.pad(maps**2, [(0, 0), (2, 2), (0, 0), (0, 0)])
    total = sum(squares[:, first : first + maps.shape[1]] for first in range(5))
    return maps / (2 + 1e-4 / 5 * total) ** 0.75


def pool_windows(maps):
    """Windows of 3 x 3 at every second place, of which the last may leave the maps ("ceil mode")."""
    outside = [(0, 0), (0, 0), *((0, (-(-(side - 3) // 2) * 2 + 3) - side) for side in maps.shape[2:])]
    padded = np.pad(maps, outside, constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))[:, :, ::2, ::2]


def forward(images, weights):
    """Activations of imgclsmob's net by layer, in double precision and with channels first; the last are the logits."""
    weights = [(kernel.astype(float), bias.astype(float)) for kernel, bias in weights]
    values, signal = {}, images.transpose(0, 3, 1, 2).astype(float)
    for number, ((kernel, bias), (stride, padding)) in enumerate(zip(weights[:5], GEOMETRY, strict=True), start=1):
        signal = values[f"conv{number}"] = np.maximum(convolve(signal, kernel, bias, stride, padding), 0)
        if number <= 2:
            signal = values[f"norm{number}"] = normalize(signal)
        if number in (1, 2, 5):
            signal = values[f"pool{number}"] = pool_windows(signal).max((4, 5))
    signal = signal.reshape(len(signal), -1)
    for number, (kernel, bias) in enumerate(weights[5:], start=6):
        signal = signal @ kernel + bias
        signal = values[f"fc{number}"] = np.maximum(signal, 0) if number < 8 else signal
    return values


class InNumpy(NamedTuple):
    """Functions of imgclsmob's nets in double precision, channels first: the forward pass, and the windows of a pooling."""

    forward: Callable
    pool_windows: Callable


@pytest.fixture(scope="session")
def imgclsmob_in_numpy():
    """The nets, computed in numpy."""
    return InNumpy(forward, pool_windows)


@pytest.fixture(scope="session")
def write_imgclsmob_weights():
    """The function that writes a file of weights as imgclsmob does."""
    return write_weights
