"""Train the same net from fresh weights on the few images alone: the baseline of pretraining."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.data.training_batches import training_batches
from zfnet.components.features.candidates import Candidates
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.inputs.preprocessing import LAYER
from zfnet.components.training.recipe import Recipe
from zfnet.model.net.layers import MeanImage

# Share of the epochs after which the learning rate is divided by ten. Reading: the paper lowers it when the validation error stops
# falling; here no images are left to validate with, and the test images must not be used.
LOWERED_AFTER = 0.75


def fresh_copy(model: keras.Model, classes: int) -> keras.Model:
    """Copies a model with new random weights and a softmax for other classes, which gives probabilities `(batch, classes)`.

    Layers that only bring pixels into the expected range (mean image, normalisation, preprocessing) keep their weights. The model takes
    RGB 0..255; it is Sequential or Functional, nested or not.

    Raises:
        ValueError: the model ends neither with a dense layer nor with maps, which a new softmax could replace.
    """
    last = ([layer for layer in model._flatten_layers(include_self=False) if isinstance(layer, keras.layers.Dense)] or [None])[-1]
    copies = []

    def renew(layer):
        config = layer.get_config()
        if "trainable" in config:  # Layers that were frozen for a fine tuning learn again.
            config["trainable"] = True
        if layer is last:
            config |= {"units": classes, "activation": "linear"}
        copies.append((layer, layer.__class__.from_config(config)))
        return copies[-1][1]

    copy = keras.models.clone_model(model, clone_function=renew, recursive=True)
    for layer, new in copies:
        if isinstance(layer, MeanImage | keras.layers.Normalization) or layer.name.startswith(LAYER):
            new.set_weights(layer.get_weights())
    signal = copy.outputs[0]
    if last is None and len(signal.shape) == 4:
        signal = keras.layers.Dense(classes)(keras.layers.Flatten()(signal))
    if len(copy.outputs) > 1 or tuple(signal.shape[1:]) != (classes,):
        raise ValueError(
            f"The model {model.name!r} can't be trained from scratch: its output is {tuple(model.outputs[0].shape)}, and there is no "
            "dense layer that a new softmax could replace. Leave --from-scratch out."
        )
    if _ends_with_softmax(copy):  # A layer of its own, above the last dense one.
        return copy
    return keras.Model(copy.inputs, keras.layers.Softmax(dtype="float32")(signal))


def train_from_scratch(
    model: keras.Model, candidates: Candidates, train: np.ndarray, test: np.ndarray, folder: pathlib.Path, seed: int
) -> np.ndarray:
    """Trains a fresh copy of a model, see `fresh_copy`, on a few images, and predicts classes.

    Zeiler & Fergus 2013, section 3, as far as it applies: the ten crops, SGD with momentum 0.9, dropout and clipped filters where the net
    has them; batches, learning rate and epochs as `zfnet run` chooses them for this number of images (at least 10 epochs and at most 60).
    The learning rate falls once (`LOWERED_AFTER`). The seed decides weights, order, crops and dropout: the same one gives the same bits on
    a CPU. `train` and `test` are numbers of candidates. `folder` is made, for a copy of the training images.

    Returns:
        int `(len(test),)`, the predicted class for the central crop of each test image.

    Raises:
        ValueError: the training diverges.
    """
    keras.utils.set_random_seed(seed + 1)
    tf.config.experimental.enable_op_determinism()
    subset = candidates.write_subset(train, folder)
    classes, size = len(subset.labels), subset.image_size
    # Batch size, epochs and rate follow from the number of images, not from the architecture.
    recipe = Recipe(architecture="zfnet", seed=seed)
    count = len(train)
    batch_size, epochs, rate = recipe.batch_for(count), recipe.epochs_for(count), recipe.learning_rate_for(count)
    net = fresh_copy(model, classes)
    image_input = ImageInput.of(net, size)

    def to_model_layout(images, labels):
        images = image_input.crop(images)
        return (tf.transpose(images, (0, 3, 1, 2)) if image_input.channels_first else images), labels

    # The net centres its images itself.
    mean = np.zeros((subset.side, subset.side, 3), np.float32)
    batches = training_batches(subset, mean, size=size, batch_size=batch_size, seed=seed, first_epoch=0, epochs=epochs, crops="ten")
    net.compile(keras.optimizers.SGD(rate, momentum=0.9), "sparse_categorical_crossentropy", jit_compile=False)
    lowered = np.ceil(LOWERED_AFTER * epochs)
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: rate if epoch < lowered else rate / 10)
    steps = count // batch_size
    history = net.fit(batches.map(to_model_layout), epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[schedule])
    if not np.isfinite(history.history["loss"]).all():
        raise ValueError(f"Training {model.name!r} from scratch on {count} images diverged. Leave --from-scratch out.")
    predicted = [
        net.predict_on_batch(image_input.to_model_layout(image_input.crop(images))).argmax(axis=1)
        for images, _ in candidates.batches(test, image_input.side, batch_size)  # in ascending order
    ]
    return np.concatenate(predicted)[np.searchsorted(np.sort(test), test)]


def _ends_with_softmax(model: keras.Model) -> bool:
    last = model.layers[-1]
    if isinstance(last, keras.Model):
        return _ends_with_softmax(last)
    return isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax
