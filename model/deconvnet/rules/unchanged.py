"""Layers that change no number in use: what acts in training alone, and what only arranges numbers otherwise."""

import keras
import tensorflow as tf
from keras import layers

from zfnet.model.deconvnet.rules.activation import is_linear
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.rule import PassThrough

# Outside of training they return what they get.
IN_TRAINING_ALONE = (
    *(layers.AlphaDropout, layers.Dropout, layers.GaussianDropout, layers.GaussianNoise),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    *(layers.AugMix, layers.CutMix, layers.Equalization, layers.MixUp, layers.RandAugment, layers.RandomBrightness),
    *(layers.RandomColorDegeneration, layers.RandomColorJitter, layers.RandomContrast, layers.RandomElasticTransform),
    *(layers.RandomErasing, layers.RandomFlip, layers.RandomGaussianBlur, layers.RandomGrayscale, layers.RandomHue),
    *(layers.RandomInvert, layers.RandomPerspective, layers.RandomPosterization, layers.RandomRotation, layers.RandomSaturation),
    *(layers.RandomSharpness, layers.RandomShear, layers.RandomTranslation, layers.RandomZoom, layers.Solarization),
)
ARRANGING = (layers.Flatten, layers.Permute, layers.Reshape)
ALWAYS = (layers.ActivityRegularization, layers.Identity)
# Names of the classes behind the functions of `keras.ops`.
OPERATIONS = ("Copy", "ExpandDims", "Moveaxis", "Ravel", "Reshape", "Squeeze", "StopGradient", "Swapaxes", "Transpose")


def pass_through(call: Call) -> list[PassThrough]:
    """Rule of a layer that acts in training alone: it need not be called."""
    return [PassThrough(tf.identity)]


def random_crop(call: Call) -> list[PassThrough]:
    """Rule of a `RandomCrop` to the size that its input has; a ValueError for another."""
    size = call.layer.height, call.layer.width
    if call.shapes[0][:2] == size:
        return pass_through(call)
    raise ValueError(
        f"Layer {call.layer.name!r} is of type RandomCrop and crops to {size[0]} x {size[1]}; expected the size of its input, "
        f"{call.shapes[0][0]} x {call.shapes[0][1]}. It crops by chance, and outside of training Keras does not crop at all. Build the "
        "model without it, or with CenterCrop, and copy the weights: new.set_weights(model.get_weights())."
    )


def keeps_numbers(layer: keras.Operation) -> bool:
    """Whether a layer returns the numbers that it gets, perhaps in another shape or order."""
    kind = type(layer)
    if kind is layers.Pipeline:
        return all(map(keeps_numbers, layer.layers))
    if isinstance(layer, layers.Layer):
        return kind in (*IN_TRAINING_ALONE, *ARRANGING, *ALWAYS) or (kind is layers.Activation and is_linear(layer))
    if not kind.__module__.startswith("keras.src."):
        return False
    return kind.__name__ in OPERATIONS or (kind.__name__ == "Cast" and tf.as_dtype(layer.dtype).is_floating)
