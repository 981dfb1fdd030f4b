"""A model as a user gives it to a figure: in memory, as a file, or as a net of Keras by its name."""

import os
from collections.abc import Sequence
from typing import TypeAlias

import keras

from zfnet.components.inputs.keras_net import PREFIX, KerasNet
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.model.deconvnet.deconvnet import Deconvnet

GivenModel: TypeAlias = keras.Model | str | os.PathLike


def open_model(model: GivenModel, preprocessing: str | None = None) -> keras.Model:
    """Opens a model behind its preprocessing, so that it takes RGB 0..255: for `Deconvnet` and `strongest_activations`.

    Args:
        model: a model, the path of a `.keras` or `.h5` file, or `"keras:VGG16"` or another net of `keras.applications`; with
            `"keras:VGG16?weights=none"` its weights are random, and the same each time.
        preprocessing: the values that the model takes: `"raw"` (RGB 0..255), `"unit"`, `"tf"`, `"caffe"` or `"torch"`; None is `"raw"`, or
            that of the net for `"keras:VGG16"`.

    Returns:
        A model that takes float images `(N, height, width, 3)`, RGB 0..255. Its layers have the names that they have in `model`.

    Raises:
        ValueError: the model can't be opened or downloaded, or the net of Keras has another preprocessing.

    Examples:
        >>> Deconvnet(open_model("keras:MobileNet?weights=none")).layers[:2]
        ['preprocessing_tf', 'conv1']
    """
    if net := _keras_net(model):
        if preprocessing not in (None, net.preprocessing):
            raise ValueError(f"{model} has its own preprocessing, {net.preprocessing}, not {preprocessing}: leave `preprocessing` out.")
        return net.open()
    return with_preprocessing(model if isinstance(model, keras.Model) else load_model_file(model), preprocessing or "raw")


def given_deconvnet(model: GivenModel, preprocessing: str | None, unsupported: str = "error") -> Deconvnet:
    """Attaches a deconvnet to a model of `open_model`; `unsupported` as in `Deconvnet`."""
    return Deconvnet(open_model(model, preprocessing), unsupported)


def given_labels(model: GivenModel, labels: Sequence[str]) -> Sequence[str]:
    """Names of a model's classes: `labels`, or if these are empty, those that belong to `keras:NAME`."""
    net = None if labels else _keras_net(model)
    return net.labels() if net else labels


def _keras_net(model: GivenModel) -> KerasNet | None:
    return KerasNet.of(model) if isinstance(model, str) and model.startswith(PREFIX) else None
