"""TensorBoard's summaries of every epoch: losses, errors and the learning rate."""

import keras
import tensorflow as tf

from zfnet.components.training.callbacks.first_layer import MEASURES

# The tags before the slash; each is one row of TensorBoard's page.
GROUP = "epoch"
DESCRIPTIONS = {
    "loss": "Mean cross-entropy of the true class, in nats.",
    "top1_error": "Share of examples whose true class is not the best guess, 0..1.",
    "top5_error": "Share of examples whose true class is not among the five best guesses, 0..1.",
    "learning_rate": "Learning rate of the optimizer.",
}


class EpochSummaries(keras.callbacks.Callback):
    """Writes the scalars in the logs, with the epoch, counted from 1, as the step.

    Keras' own callback counts from 0, and features need the same step. The validation numbers have a writer of their own and the same
    tags, so that TensorBoard draws both in one chart. Measures of filters are left out: `WatchFeatures` writes them.
    """

    def __init__(self, train: tf.summary.SummaryWriter, validation: tf.summary.SummaryWriter) -> None:
        super().__init__()
        self.train, self.validation = train, validation

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the epoch's summaries."""
        for name, number in (logs or {}).items():
            if name in MEASURES:
                continue
            writer = self.validation if name.startswith("val_") else self.train
            name = name.removeprefix("val_")
            with writer.as_default(step=epoch + 1):
                tf.summary.scalar(f"{GROUP}/{name}", number, description=DESCRIPTIONS.get(name))
        self.train.flush()
        self.validation.flush()
