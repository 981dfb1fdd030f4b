import keras
import numpy as np
import pytest
from keras import layers, ops

from zfnet.model import Deconvnet

ANY, FOUR = {"shape": (6, 6, 3)}, {"batch_shape": (4, 6, 6, 3)}


def model_of(size, *operations):
    image = keras.Input(**size)
    maps = layers.Conv2D(2, 3, activation="relu")(image)
    for operation in operations:
        maps = operation(maps)
    return keras.Model(image, maps)


@pytest.mark.parametrize("unsupported", ["error", "gradient"])
@pytest.mark.parametrize(
    ("size", "operation"),
    [
        (FOUR, lambda maps: ops.reshape(maps, (maps.shape[0], -1))),
        (ANY, lambda maps: ops.reshape(maps, (-1, 16))),
        (ANY, ops.mean),
        (ANY, lambda maps: ops.mean(maps, axis=0)),
        (ANY, lambda maps: maps - ops.mean(maps, axis=0, keepdims=True)),
        (FOUR, lambda maps: maps + np.ones((4, 4, 4, 2), "float32")),
        (ANY, lambda maps: layers.Concatenate(axis=0)([maps, maps])),
    ],
    ids=["reshape to four", "reshape to rows", "mean", "mean of images", "centred", "array of four", "concatenation"],
)
def test_images_of_a_batch_are_separate(size, operation, unsupported):
    with pytest.raises(ValueError, match="mixes the images of a batch, or takes one number of images alone"):
        Deconvnet(model_of(size, operation), unsupported)


def test_flipped_batches_are_refused():
    with pytest.raises(ValueError, match=r"'flip[_0-9]*', of type Flip, mixes the images"):
        Deconvnet(model_of(ANY, lambda maps: ops.flip(maps, axis=0)), "gradient")


@pytest.mark.parametrize("size", [ANY, FOUR, {"shape": (None, None, 3)}], ids=["any number", "four", "any size"])
def test_operations_on_each_image_pass(size):
    operations = (lambda maps: maps / 2 + np.ones(2, "float32"), lambda maps: ops.mean(maps, axis=(1, 2)), lambda maps: ops.sigmoid(maps))
    images = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    model = model_of(size, *operations)
    deconvnet = Deconvnet(model)
    (values,) = deconvnet.activations(images, deconvnet.layers[-1:])
    np.testing.assert_allclose(1 / (1 + np.exp(-values.numpy())), model.predict(images, verbose=0), rtol=1e-5)


class Centred(layers.Layer):
    """Subtracts the mean of the batch, which no projection of one image can be right about."""

    def call(self, maps):
        return maps - ops.mean(maps, axis=0, keepdims=True)


def test_layers_of_a_user_are_tried():
    with pytest.raises(ValueError, match="of type Centred, mixes the images"):
        Deconvnet(model_of(ANY, Centred()), "gradient")
