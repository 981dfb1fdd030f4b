"""TensorBoard's summaries of every epoch: losses, errors, the learning rate, structured filters, and the first layer's filters."""

import json
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from etils import epath

from zfnet.components.pictures.sheet import filter_grid
from zfnet.components.storage.files import atomic_file
from zfnet.components.training.callbacks.evolution import strongest_examples

# The tags before the slash; each is one row of TensorBoard's page.
GROUP = "epoch"
DESCRIPTIONS = {
    "loss": "Mean cross-entropy of the true class, in nats.",
    "top1_error": "Share of examples whose true class is not the best guess, 0..1.",
    "top5_error": "Share of examples whose true class is not among the five best guesses, 0..1.",
    "learning_rate": "Learning rate of the optimizer.",
    "structured": "Share of the first layer's filters that are edges, gratings or borders of colours, not noise or one colour, 0..1.",
}
LAYER_DESCRIPTIONS = {
    "weight_change": "By how much an epoch changed the kernel of a layer: norm of the difference over norm of the kernel.",
    "strongest_changed": "Share of the feature maps of a layer whose strongest training example is another than at the last projection.",
}


class EpochSummaries(keras.callbacks.Callback):
    """Writes the scalars in the logs, and the grid of conv1's filters, with the epoch, counted from 1, as the step.

    Keras' own callback counts from 0 and can't draw filters, which need the same step as the feature evolution. The validation numbers
    have a writer of their own and the same tags, so that TensorBoard draws both in one chart.
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


class LayerConvergence(keras.callbacks.Callback):
    """Measures after every epoch how much each layer changed in it.

    Zeiler & Fergus 2013, section 4.1: lower layers "converge within a few epochs", upper ones after 40 to 50. Written to TensorBoard, a
    scalar a layer and measure with the epoch as its step, and as `epoch-NNNN.json` into `folder`, beside the kernels at the beginning of
    the epoch.

    Args:
        evolution: folder of `FeatureEvolution`, which comes before it in the list of callbacks.
        resumed: number of the epoch, counted from 0, that is resumed in its middle; `None` if there is none. Its changes are left out if
            its first kernels are missing.
    """

    def __init__(self, folder: pathlib.Path, evolution: pathlib.Path, writer: tf.summary.SummaryWriter, resumed: int | None = None) -> None:
        super().__init__()
        self.folder, self.evolution, self.writer, self.resumed = folder, evolution, writer, resumed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stores the kernels, unless the epoch is resumed."""
        file = self._kernels(epoch)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not file.exists() and epoch != self.resumed:
            with atomic_file(str(file)) as stream:
                np.savez(stream, **self._layers())
        for old in self.folder.glob("kernels-*.npz"):
            if old not in (file, self._kernels(epoch - 1)):  # A damaged checkpoint may lead back to the epoch before.
                old.unlink()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measures the changes, and writes them."""
        measured = {"weight_change": self._weight_change(epoch), "strongest_changed": self._strongest_changed(epoch + 1)}
        with self.writer.as_default(step=epoch + 1):
            for measure, layers in measured.items():
                for layer, number in layers.items():
                    tf.summary.scalar(f"{measure}/{layer}", number, description=LAYER_DESCRIPTIONS[measure])
        self.writer.flush()
        with atomic_file(str(self.folder / f"epoch-{epoch + 1:04d}.json")) as stream:
            stream.write(json.dumps(measured).encode())

    def _weight_change(self, epoch: int) -> dict[str, float]:
        if not self._kernels(epoch).exists():
            return {}
        with np.load(self._kernels(epoch), allow_pickle=False) as before:
            return {name: _relative_change(before[name], kernel) for name, kernel in self._layers().items()}

    def _strongest_changed(self, epoch: int) -> dict[str, float]:
        now = strongest_examples(self.evolution, epoch)
        earlier = (strongest_examples(self.evolution, number) for number in range(epoch - 1, 0, -1))
        before = next((found for found in earlier if found), {}) if now else {}
        return {layer: float(np.mean(now[layer] != before[layer])) for layer in now if layer in before}

    def _layers(self) -> dict[str, Any]:
        return {layer.name: layer.kernel.numpy() for layer in self.model.layers if hasattr(layer, "kernel")}

    def _kernels(self, epoch: int) -> pathlib.Path:
        return self.folder / f"kernels-{epoch:04d}.npz"


def read_convergence(folder: pathlib.Path, epochs: int) -> dict[str, dict[str, dict[int, float]]]:
    """Reads the numbers of `LayerConvergence` in `folder`: by measure and layer, those of each epoch from 1 to `epochs`."""
    found: dict[str, dict[str, dict[int, float]]] = {measure: {} for measure in LAYER_DESCRIPTIONS}
    for epoch in range(1, epochs + 1):
        file = folder / f"epoch-{epoch:04d}.json"
        for measure, layers in (json.loads(file.read_text()) if file.exists() else {}).items():
            for layer, number in layers.items():
                found[measure].setdefault(layer, {})[epoch] = number
    return found


def _relative_change(before: np.ndarray, after: np.ndarray) -> float:
    size = np.linalg.norm(before)
    return float(np.linalg.norm(after - before) / size) if size else 0.0
