"""A model as a user gives it to a figure: in memory, as a file, or as a net by its name."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras

from zfnet.components.inputs.image_input import takes_photographs
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.inputs.named_models import named_net
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_count

GivenModel: TypeAlias = keras.Model | str | os.PathLike


def open_model(model: GivenModel, preprocessing: str | None = None) -> keras.Model:
    """Opens a model behind its preprocessing, so that it takes RGB 0..255: for `Deconvnet` and `strongest_activations`.

    Args:
        model: a model, the path of a `.keras` or `.h5` file, or a net by name: `"keras:VGG16"` or another of `keras.applications`, or
            `"imgclsmob:zfnet"`; with `"keras:VGG16?weights=none"` its weights are random, and the same each time.
        preprocessing: the values that the model takes: `"raw"` (RGB 0..255), `"unit"`, `"tf"`, `"caffe"` or `"torch"`; None is `"raw"`, or
            that of the net if it has a name.

    Returns:
        A model that takes float images `(N, height, width, 3)`, RGB 0..255. Its layers have the names that they have in `model`.

    Raises:
        ValueError: the model can't be opened or downloaded, or the named net has another preprocessing.

    Examples:
        >>> Deconvnet(open_model("keras:MobileNet?weights=none")).layers[:2]
        ['preprocessing_tf', 'conv1']
    """
    if net := named_net(model):
        if preprocessing not in (None, net.preprocessing):
            raise ValueError(f"{model} has its own preprocessing, {net.preprocessing}, not {preprocessing}: leave `preprocessing` out.")
        return net.open()
    return with_preprocessing(model if isinstance(model, keras.Model) else load_model_file(model), preprocessing or "raw")


def given_deconvnet(
    model: GivenModel,
    preprocessing: str | None,
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
    *,
    any_input: bool = False,
) -> Deconvnet:
    """Attaches a deconvnet to a model of `open_model`; `unsupported` and `rules` as in `Deconvnet`.

    With `any_input`, a model that takes no photographs stays as it is, unless `preprocessing` names one.
    """
    if not named_net(model) and any_input and preprocessing in (None, "raw"):
        model = model if isinstance(model, keras.Model) else load_model_file(model)
        if not takes_photographs(model):
            return Deconvnet(model, unsupported, rules)
    return Deconvnet(open_model(model, preprocessing), unsupported, rules)


def given_labels(model: GivenModel, labels: Sequence[str], deconvnet: Deconvnet) -> Sequence[str]:
    """Names of a model's classes: `labels`, or if these are empty, those of a named net.

    Raises:
        ValueError: there are more or fewer `labels` than classes.
    """
    count = class_count(deconvnet)
    if len(labels) and count and len(labels) != count:
        raise ValueError(f"There are {len(labels)} labels; expected {count}, a name for each class of the model.")
    net = None if labels else named_net(model)
    return net.labels() if net else labels
