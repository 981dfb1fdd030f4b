"""Stops a training that has gone astray, before anything is written that others would stumble over."""

import math

import keras
import numpy as np


class StopOnDivergence(keras.callbacks.Callback):
    """Raises `ValueError` after an epoch whose training loss, or any weight, is not a finite number.

    The loss alone would not do: where a ReLU turns NaN into 0, it stays finite.
    """

    def on_epoch_end(self, epoch, logs=None):
        """Looks at the loss and the weights."""
        broken = [weight.path for weight in self.model.trainable_weights if not np.isfinite(keras.ops.convert_to_numpy(weight)).all()]
        if broken or not math.isfinite(logs["loss"]):
            raise ValueError(
                f"The training diverged: after epoch {epoch + 1} the loss is {logs['loss']}, and {len(broken)} weights hold values that "
                "are no finite numbers. A lower learning rate may help; checkpoints of the epochs before are kept."
            )
