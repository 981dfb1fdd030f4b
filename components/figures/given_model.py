"""A model as a user gives it to a figure: in memory, as a file, or as a net by its name."""

import os
from collections.abc import Sequence
from typing import TypeAlias

import keras

from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.inputs.named_models import named_net
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.model.deconvnet.deconvnet import Deconvnet

GivenModel: TypeAlias = keras.Model | str | os.PathLike


def given_deconvnet(model: GivenModel, preprocessing: str | None, unsupported: str = "error") -> Deconvnet:
    """Attaches a deconvnet to a model behind its preprocessing, so that it takes RGB 0..255.

    Args:
        model: a model, the path of a `.keras` or `.h5` file, or a name such as `keras:VGG16`.
        preprocessing: name of the preprocessing; None is that of a named net, else `"raw"`.
        unsupported: as in `Deconvnet`.

    Raises:
        ValueError: the model can't be opened, or a named net has another preprocessing.
    """
    if net := named_net(model):
        if preprocessing not in (None, net.preprocessing):
            raise ValueError(f"{model} has its own preprocessing, {net.preprocessing}, not {preprocessing}: leave `preprocessing` out.")
        return Deconvnet(net.open(), unsupported)
    model = model if isinstance(model, keras.Model) else load_model_file(model)
    return Deconvnet(with_preprocessing(model, preprocessing or "raw"), unsupported)


def given_labels(model: GivenModel, labels: Sequence[str]) -> Sequence[str]:
    """Names of a model's classes: `labels`, or if these are empty, those of a named net."""
    net = None if labels else named_net(model)
    return net.labels() if net else labels
