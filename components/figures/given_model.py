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


def given_deconvnet(model: GivenModel, preprocessing: str | None, unsupported: str = "error") -> Deconvnet:
    """Attaches a deconvnet to a model behind its preprocessing, so that it takes RGB 0..255.

    Args:
        model: a model, the path of a `.keras` or `.h5` file, or `keras:NAME`.
        preprocessing: name of the preprocessing; None is that of the net for `keras:NAME`, else `"raw"`.
        unsupported: as in `Deconvnet`.

    Raises:
        ValueError: the model can't be opened, or `keras:NAME` has another preprocessing.
    """
    if net := _keras_net(model):
        if preprocessing not in (None, net.preprocessing):
            raise ValueError(f"{model} has its own preprocessing, {net.preprocessing}, not {preprocessing}: leave `preprocessing` out.")
        return Deconvnet(net.open(), unsupported)
    model = model if isinstance(model, keras.Model) else load_model_file(model)
    return Deconvnet(with_preprocessing(model, preprocessing or "raw"), unsupported)


def given_labels(model: GivenModel, labels: Sequence[str]) -> Sequence[str]:
    """Names of a model's classes: `labels`, or if these are empty, those that belong to `keras:NAME`."""
    net = None if labels else _keras_net(model)
    return net.labels() if net else labels


def _keras_net(model: GivenModel) -> KerasNet | None:
    return KerasNet.of(model) if isinstance(model, str) and model.startswith(PREFIX) else None
