"""Builds a Keras model from a row of the table of architectures."""

import random

import keras
import numpy as np

from zfnet.model.net.architecture import POOL, POOL_STRIDE, Architecture, Convolution
from zfnet.model.net.layers import ContrastNormalization, FilterRmsClip, MeanImage
from zfnet.model.net.variation import find_architecture, plain_name


def build(
    architecture: str | Architecture,
    input_shape: tuple[int, int, int] | None = None,
    classes: int = 1000,
    *,
    include_top: bool = True,
    classifier_activation: str | None = "softmax",
    mean_image: np.ndarray | None = None,
    seed: int | None = None,
) -> keras.Model:
    """Builds an untrained net, from float images `(batch, *input_shape)` to probabilities `(batch, classes)`.

    Zeiler & Fergus 2013, Fig. 3 and section 3. Layers are called conv1 .. conv5, pool1, norm1, ..., fc6, fc7, predictions; the
    output of convN is after its ReLU.

    Args:
        architecture: a name (see `ARCHITECTURES`), a variation of one such as `"zfnet-small:conv1.kernel=11,without=conv3"` (see
            `vary`), or an `Architecture` of your own.
        input_shape: `(height, width, channels)` in pixels; `None` takes the size that the architecture was made for.
        classes: number of classes.
        include_top: whether to add the fully connected layers and the classifier; without them the net ends at pool5.
        classifier_activation: of the last layer; `None` gives logits.
        mean_image: array of `input_shape`, values 0..255, that the net's first layer subtracts from RGB values 0..255; without
            it, the net takes centred values, about -128..128.
        seed: whole number that decides initial weights and the masks of dropout, whatever else draws random numbers meanwhile;
            `None` uses Keras' global seed for both.

    Raises:
        ValueError: if the name is unknown, or the input too small for the layers.

    Examples:
        >>> build("zfnet-small", classes=15).input_shape
        (None, 96, 96, 3)
    """
    name = plain_name(architecture) if isinstance(architecture, str) else "custom"
    row = find_architecture(architecture) if isinstance(architecture, str) else architecture
    inputs = keras.Input(input_shape or (row.input_size, row.input_size, 3), name="image")
    row.check_size(*inputs.shape[1:3])
    signal = inputs
    if mean_image is not None:
        signal = MeanImage(name="mean_image")(signal)
    if row.input_scale != 1:
        signal = keras.layers.Rescaling(row.input_scale, name="input_scale")(signal)
    # Python's global generator, which Keras draws from, is everybody's: another thread that draws would change the weights.
    seeds = None if seed is None else random.Random(seed)
    for convolution in row.convolutions:
        signal = _convolution(signal, convolution, row, seeds, first=convolution is row.convolutions[0])
    if include_top:
        signal = _top(signal, row, classes, classifier_activation, seeds)
    model = keras.Model(inputs, signal, name=name)
    if mean_image is not None:
        model.get_layer("mean_image").set_weights([mean_image])
    return model


def ZFNet(  # noqa: N802
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    include_top: bool = True,
    classifier_activation: str | None = "softmax",
) -> keras.Model:
    """Builds the net of Zeiler & Fergus 2013, Fig. 3, for centred RGB values, about -128..128; arguments as in `build`.

    Examples:
        >>> ZFNet(include_top=False).get_layer("conv5").output.shape
        (None, 13, 13, 256)
    """
    return build("zfnet", input_shape, classes, include_top=include_top, classifier_activation=classifier_activation)


def AlexNet(  # noqa: N802
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    include_top: bool = True,
    classifier_activation: str | None = "softmax",
) -> keras.Model:
    """Builds the net of Krizhevsky et al. 2012 without groups, ZFNet's baseline, for centred RGB values; arguments as in `build`.

    Examples:
        >>> AlexNet(include_top=False).get_layer("conv1").output.shape
        (None, 55, 55, 96)
    """
    return build("alexnet", input_shape, classes, include_top=include_top, classifier_activation=classifier_activation)


def _convolution(
    signal: keras.KerasTensor, convolution: Convolution, row: Architecture, seeds: random.Random | None, first: bool
) -> keras.KerasTensor:
    number = convolution.name.removeprefix("conv")
    padding = convolution.padding
    if padding not in ("same", 0):
        signal = keras.layers.ZeroPadding2D(padding, name=f"pad{number}")(signal)
    signal = keras.layers.Conv2D(
        convolution.filters,
        convolution.kernel,
        strides=convolution.stride,
        padding="same" if padding == "same" else "valid",
        activation="relu",
        kernel_initializer=_initializer(row.first_stddev if first else row.deep_stddev, seeds),
        kernel_constraint=FilterRmsClip(row.rms_radius),
        name=convolution.name,
    )(signal)
    if convolution.normalize == "before":
        signal = ContrastNormalization(row.contrast_alpha, name=f"norm{number}")(signal)
    if convolution.pool:
        signal = keras.layers.MaxPooling2D(POOL, strides=POOL_STRIDE, padding=convolution.pool, name=f"pool{number}")(signal)
    if convolution.normalize == "after":
        signal = ContrastNormalization(row.contrast_alpha, name=f"norm{number}")(signal)
    return signal


def _top(
    signal: keras.KerasTensor, row: Architecture, classes: int, activation: str | None, seeds: random.Random | None
) -> keras.KerasTensor:
    signal = keras.layers.Flatten(name="flatten")(signal)
    for name, units in row.dense:
        initializer = _initializer(row.deep_stddev, seeds)
        signal = keras.layers.Dense(units, activation="relu", kernel_initializer=initializer, name=name)(signal)
        signal = keras.layers.Dropout(row.dropout, seed=_next_seed(seeds), name=f"dropout{name.removeprefix('fc')}")(signal)
    # Probabilities in float32 whatever the rest is computed in.
    initializer = _initializer(row.deep_stddev, seeds)
    return keras.layers.Dense(classes, activation=activation, kernel_initializer=initializer, dtype="float32", name="predictions")(signal)


def _initializer(stddev: float | None, seeds: random.Random | None) -> keras.initializers.Initializer:
    seed = _next_seed(seeds)
    return keras.initializers.HeNormal(seed) if stddev is None else keras.initializers.RandomNormal(stddev=stddev, seed=seed)


def _next_seed(seeds: random.Random | None) -> int | None:
    """Drawn as Keras does from the global generator, so that the same seed gives the same weights either way."""
    return None if seeds is None else seeds.randint(1, int(1e9))
