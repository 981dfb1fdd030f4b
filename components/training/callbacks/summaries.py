"""TensorBoard's summaries of every epoch: losses, errors, the learning rate, structured filters, and the first layer's filters."""

import keras
import tensorflow as tf
from etils import epath

from zfnet.components.pictures.sheet import filter_grid

# The tags before the slash; each is one row of TensorBoard's page.
GROUP = "epoch"
DESCRIPTIONS = {
    "loss": "Mean cross-entropy of the true class, in nats.",
    "top1_error": "Share of examples whose true class is not the best guess, 0..1.",
    "top5_error": "Share of examples whose true class is not among the five best guesses, 0..1.",
    "learning_rate": "Step size of SGD.",
    "structured": "Share of the first layer's filters that are edges, gratings or borders of colours, not noise or one colour, 0..1.",
}


class EpochSummaries(keras.callbacks.Callback):
    """Writes the scalars in the logs, and the grid of conv1's filters, with the epoch, counted from 1, as the step.

    Keras' own callback counts from 0 and can't draw filters, and these must stand at the same step as the feature evolution.

    Args:
        train: summary writer of the training numbers and the filters.
        validation: summary writer of the validation numbers; the same tags, so that TensorBoard draws both in one chart.
    """

    def __init__(self, train: tf.summary.SummaryWriter, validation: tf.summary.SummaryWriter) -> None:
        super().__init__()
        self.train, self.validation = train, validation

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the epoch's summaries."""
        for name, number in (logs or {}).items():
            writer = self.validation if name.startswith("val_") else self.train
            name = name.removeprefix("val_")
            with writer.as_default(step=epoch + 1):
                tf.summary.scalar(f"{GROUP}/{name}", number, description=DESCRIPTIONS.get(name))
        first = next(layer for layer in self.model.layers if isinstance(layer, keras.layers.Conv2D))
        with self.train.as_default(step=epoch + 1):
            grid = filter_grid(first.kernel.numpy())[None]
            tf.summary.image(f"filters/{first.name}", grid, description="Weights of each filter over RGB; grey is 0. Step = epoch.")
        self.train.flush()
        self.validation.flush()


def open_writers(folder: epath.PathLike, anew: bool) -> list[tf.summary.SummaryWriter]:
    """Opens the writers of `train` and `validation`; `anew` removes what a training wrote that was killed before its first checkpoint."""
    logs = [epath.Path(folder) / split for split in ("train", "validation")]
    for log in logs if anew else ():
        log.rmtree(missing_ok=True)
    return [tf.summary.create_file_writer(str(log)) for log in logs]
