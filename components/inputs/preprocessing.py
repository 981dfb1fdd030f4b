"""The preprocessing that a model was trained with, as a layer in front of it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import numpy as np

# For each name: the order in which the model takes red, green and blue, their factors, and their offsets. Means and deviations are those
# of keras.applications.
PREPROCESSINGS: dict[str, tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]] | None] = {
    "raw": None,
    "unit": ((0, 1, 2), (1 / 255,) * 3, (0.0,) * 3),
    "tf": ((0, 1, 2), (1 / 127.5,) * 3, (-1.0,) * 3),
    "caffe": ((2, 1, 0), (1.0,) * 3, (-103.939, -116.779, -123.68)),
    "torch": ((0, 1, 2), (1 / 255 / 0.229, 1 / 255 / 0.224, 1 / 255 / 0.225), (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225)),
}
SAME = ((0, 1, 2), (1.0,) * 3, (0.0,) * 3)
# Preprocessings that treat all channels alike.
GREY = ("raw", "unit", "tf")
# Prefix of the layer's name, which tells it from the model's own layers.
LAYER = "preprocessing_"


def preprocess(pixels: "np.ndarray", name: str) -> "np.ndarray":
    """The values that a model with this preprocessing takes for pixels `(..., 3)`, RGB 0..255; names as in `with_preprocessing`.

    Examples:
        >>> preprocess(np.array([[0, 127.5, 255]]), "tf").tolist()
        [[-1.0, 0.0, 1.0]]
    """
    order, scale, offset = PREPROCESSINGS[name] or SAME
    return pixels[..., order] * scale + offset


def with_preprocessing(model: "keras.Model", name: str) -> "keras.Model":
    """Puts a model behind the preprocessing that it was trained with.

    The layer is a fixed 1x1 convolution, which a deconvnet projects through as through any other: projections are RGB. A model of one
    channel gets the mean of red, green and blue, and its projections are grey.

    Args:
        model: takes one batch of images of three channels or of one, channels last or first.
        name: `"raw"`: RGB 0..255; `"unit"`: 0..1; `"tf"`: -1..1; `"caffe"`: BGR minus ImageNet's mean colour; `"torch"`: 0..1 minus
            ImageNet's mean colour, divided by its standard deviation.

    Returns:
        A model that takes RGB 0..255, with the layers and weights of `model`; for `"raw"` and three channels that model itself.

    Raises:
        ValueError: there is no such preprocessing, or none for models of one channel; or the model takes no such images.

    Examples:
        >>> model = with_preprocessing(keras.applications.MobileNetV2(weights=None), "tf")
        >>> model.layers[1].name
        'preprocessing_tf'
    """
    import keras
    import numpy as np

    from zfnet.components.inputs.image_input import image_layout

    if name not in PREPROCESSINGS:
        raise ValueError(f"There is no preprocessing {name!r}; there are {', '.join(PREPROCESSINGS)}.")
    channels, channels_first = image_layout(model)
    grey = channels == 1
    if grey and name not in GREY:
        raise ValueError(f"The model {model.name!r} takes one channel, and {name} is for three; expected one of {', '.join(GREY)}.")
    preprocessing = PREPROCESSINGS[name] or (SAME if grey else None)
    if preprocessing is None:
        return model
    order, scale, offset = preprocessing
    sizes = model.inputs[0].shape[2:] if channels_first else model.inputs[0].shape[1:3]
    images = keras.Input((3, *sizes) if channels_first else (*sizes, 3), dtype="float32", name=f"{LAYER}input")
    layout = "channels_first" if channels_first else "channels_last"
    layer = keras.layers.Conv2D(channels, 1, data_format=layout, dtype="float32", trainable=False, name=LAYER + name)
    outputs = model(layer(images))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, order, range(3)] = scale
    if grey:
        kernel = kernel.mean(3, keepdims=True)
    layer.set_weights([kernel, np.array(offset[:channels], np.float32)])
    return keras.Model(images, outputs, name=model.name)
