"""Weights as imgclsmob stores them for Keras: read from an HDF5 file that may come from anywhere, and put into TensorFlow's order."""

import pathlib
from collections.abc import Iterable

import h5py
import keras
import numpy as np

from zfnet.components.inputs.weights_size import arrays_size, check_unpacked_size

Shape = tuple[int, ...]


def set_imgclsmob_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Gives a model the weights in a file of imgclsmob, layer by layer in their order.

    Keras wrote the file when it ran on MXNet: kernels of convolutions are `(maps, maps below, height, width)`, and the first dense layer
    takes the activations below it map by map. TensorFlow takes them position by position.

    Args:
        model: convolutions, a layer called `flatten`, and dense layers, as `build` makes them.
        path: the file; the names of its layers are not compared, only shapes are.

    Raises:
        ValueError: the file is damaged or too large, or holds weights of other layers.
    """
    layers = [layer for layer in model.layers if layer.weights]
    flatten = model.get_layer("flatten")
    stored = _read(path, model.name, {layer.name: _stored_shapes(layer) for layer in layers})
    for layer, (kernel, bias) in zip(layers, stored, strict=True):
        if isinstance(layer, keras.layers.Conv2D):
            kernel = kernel.transpose(2, 3, 1, 0)
        elif layer.input is flatten.output:
            height, width, maps = flatten.input.shape[1:]
            kernel = kernel.reshape(maps, height, width, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
        layer.set_weights([kernel, bias])


def _stored_shapes(layer: keras.layers.Layer) -> list[Shape]:
    kernel = tuple(layer.kernel.shape)
    return [(kernel[3], kernel[2], *kernel[:2]) if len(kernel) == 4 else kernel, tuple(layer.bias.shape)]


def _read(path: pathlib.Path, model: str, expected: dict[str, list[Shape]]) -> list[list[np.ndarray]]:
    """Arrays of each layer that has any, in the order of the file, if they have the expected shapes."""
    try:
        with h5py.File(path) as file:
            check_unpacked_size(path, path.stat().st_size, arrays_size(file))
            layers = [file[name] for name in _texts(file.attrs["layer_names"])]
            arrays = [[layer[name] for name in _texts(layer.attrs["weight_names"])] for layer in layers]
            arrays = [of_layer for of_layer in arrays if of_layer]
            shapes = [[array.shape for array in of_layer] for of_layer in arrays]
            if shapes == list(expected.values()):
                return [[np.asarray(array, "float32") for array in of_layer] for of_layer in arrays]
    except Exception as error:  # A damaged or foreign file can make h5py stumble anywhere.
        raise ValueError(f"{path} can't be read as weights of imgclsmob: {error}") from error
    if len(shapes) != len(expected):
        raise ValueError(f"{path} has weights of {len(shapes)} layers; expected {len(expected)}, those of {model}.")
    name, found = next((name, found) for name, found in zip(expected, shapes, strict=True) if found != expected[name])
    raise ValueError(f"{path} has arrays of {found}; expected {expected[name]}, the weights of {name} in {model}.")


def _texts(attribute: Iterable[str | bytes]) -> list[str]:
    return [text.decode() if isinstance(text, bytes) else str(text) for text in attribute]
