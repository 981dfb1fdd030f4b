"""Convergence by layer: how much each layer still changes from epoch to epoch."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from zfnet.components.storage.files import atomic_file
from zfnet.components.training.callbacks.evolution import strongest_examples
from zfnet.model.deconvnet.graph import Graph

LAYER_DESCRIPTIONS = {
    "weight_change": "Change of a layer's kernel in an epoch: norm of the difference over norm of the kernel.",
    "strongest_changed": "Share of the feature maps of a layer whose strongest training example differs from that at the last projection.",
}


@dataclasses.dataclass(frozen=True)
class LayerConvergence:
    """Measures after every epoch how much each layer changed in it.

    Zeiler & Fergus 2013, section 4.1: lower layers "converge within a few epochs", upper ones after 40 to 50. The measures are written to
    TensorBoard, one scalar for each layer and measure with the epoch as its step, and to `epoch-NNNN.json` in `folder`, beside the kernels
    at the beginning of the epoch. Layers with several kernels, such as separable convolutions, count as one.

    Args:
        graph: of the model, with the names of its layers.
        evolution: folder of `FeatureEvolution`, which is written first after an epoch.
        resumed: number of the epoch, counted from 0, that is resumed in its middle; `None` if there is none. Its changes are left out if
            its first kernels are missing.
    """

    graph: Graph
    folder: pathlib.Path
    evolution: pathlib.Path
    writer: tf.summary.SummaryWriter
    resumed: int | None = None

    def begin(self, epoch: int, anew: bool = False) -> None:
        """Stores the kernels after `epoch` epochs, unless they are stored already and `anew` is false, or the next epoch is resumed."""
        file = self._kernels_file(epoch)
        self.folder.mkdir(parents=True, exist_ok=True)
        if (anew or not file.exists()) and epoch != self.resumed:
            with atomic_file(str(file)) as stream:
                np.savez(stream, **self._kernels())
        for old in self.folder.glob("kernels-*.npz"):
            if old not in (file, self._kernels_file(epoch - 1)):  # A damaged checkpoint may lead back to the epoch before.
                old.unlink()

    def end(self, epoch: int) -> None:
        """Measures the changes of an epoch, counted from 1, and writes them."""
        measured = {"weight_change": self._weight_change(epoch - 1), "strongest_changed": self._strongest_changed(epoch)}
        with self.writer.as_default(step=epoch):
            for measure, layers in measured.items():
                for layer, number in layers.items():
                    tf.summary.scalar(f"{measure}/{layer}", number, description=LAYER_DESCRIPTIONS[measure])
        self.writer.flush()
        with atomic_file(str(self.folder / f"epoch-{epoch:04d}.json")) as stream:
            stream.write(json.dumps(measured).encode())

    def epochs(self) -> int:
        """Number of epochs that were measured, in this training or before it was killed; 0 if there is none."""
        return max((int(file.stem.removeprefix("epoch-")) for file in self.folder.glob("epoch-*.json")), default=0)

    def goes_on(self, epoch: int) -> bool:
        """Whether the model has the kernels that were stored after `epoch` epochs."""
        if not self._kernels_file(epoch).exists():
            return False
        now = list(self._kernels().values())
        with np.load(self._kernels_file(epoch), allow_pickle=False) as arrays:
            before = [arrays[name] for name in arrays.files]
        return len(now) == len(before) and all(map(np.array_equal, now, before))

    def remove_after(self, epoch: int) -> None:
        """Removes the files of later epochs, of a training that goes on from an earlier one."""
        for file in self.folder.glob("*-*.*"):
            if int(file.stem.split("-")[1]) > epoch:
                file.unlink()

    def _weight_change(self, epoch: int) -> dict[str, float]:
        if not self._kernels_file(epoch).exists():
            return {}
        with np.load(self._kernels_file(epoch), allow_pickle=False) as before:
            # In order, since Keras names a layer without a name anew when a model is built again.
            pairs = zip(before.files, self._kernels().items(), strict=True)
            return {name: _relative_change(before[stored], kernel) for stored, (name, kernel) in pairs}

    def _strongest_changed(self, epoch: int) -> dict[str, float]:
        now = strongest_examples(self.evolution, epoch)
        earlier = (strongest_examples(self.evolution, number) for number in range(epoch - 1, 0, -1))
        before = next((found for found in earlier if found), {}) if now else {}
        return {layer: float(np.mean(now[layer] != before[layer])) for layer in now if layer in before}

    def _kernels(self) -> dict[str, Any]:
        """The kernel of each layer by its name, or several in one vector; each layer once, though it may be called several times."""
        found: dict[int, tuple[str, Any]] = {}
        for name, calls in self.graph.calls.items():
            layer = calls[0].layer
            kernels = [weight.numpy() for weight in getattr(layer, "weights", ()) if "kernel" in weight.name]
            if kernels:
                found.setdefault(id(layer), (name, kernels[0] if len(kernels) == 1 else np.concatenate([each.ravel() for each in kernels])))
        return dict(found.values())

    def _kernels_file(self, epoch: int) -> pathlib.Path:
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
