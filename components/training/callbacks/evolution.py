"""Feature evolution: the strongest activations of single feature maps, epoch after epoch, gathered while a net trains."""

import pathlib
from collections.abc import Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops
from zfnet.components.figures.evolution import column
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.figure import summarize_png
from zfnet.components.pictures.sheet import block, sheet
from zfnet.components.storage.files import atomic_file
from zfnet.model.deconvnet.deconvnet import Deconvnet

MAPS = 6
# In the epochs of the figure, which draws six of these that are alive and different in the end. TensorBoard can't know them, and shows the
# same six all the time.
WATCHED = 12
# Few, since TensorBoard scales pictures to a narrow card.
COLUMNS = 3
TILE = 112


class FeatureEvolution(keras.callbacks.Callback):
    """After some epochs, projects the strongest activation over the training examples of a few feature maps of every layer.

    Zeiler & Fergus 2013, section 4.1 and Fig. 4. Written to TensorBoard, one picture a layer with the epoch as its step. For the epochs of
    the paper's figure the columns go into `folder` as `epoch-NNNN.npz`, and the filters as `filters-NNNN.npz`; for other epochs the
    numbers of the strongest examples alone.

    Args:
        examples: the central crops of the first of their split `train` are searched, see `searched`.
        mean: mean of the central crop, float `(size, size, 3)`, values 0..255.
        epochs: after which epochs to project, counted from 1.
        shown: those of them, and 0 for before the first, that the figure shows.
        seed: decides which feature maps are shown.
    """

    def __init__(
        self,
        examples: Examples,
        mean: np.ndarray,
        epochs: set[int],
        shown: set[int],
        seed: int,
        folder: pathlib.Path,
        writer: tf.summary.SummaryWriter,
    ) -> None:
        super().__init__()
        self.examples, self.mean, self.epochs, self.shown, self.seed = examples, mean, epochs, shown, seed
        self.folder, self.writer = folder, writer
        self.deconvnet: Deconvnet | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Projects, if it is time."""
        if epoch + 1 in self.epochs:
            self.project(epoch + 1)

    def project(self, epoch: int) -> None:
        """Projects from the net as it is after so many epochs; 0 is before the first."""
        self.deconvnet = self.deconvnet or Deconvnet(self.model)
        size = self.mean.shape[0]
        layers = [layer for layer in self.model.layers if isinstance(layer, keras.layers.Conv2D)]
        count = WATCHED if epoch in self.shown else MAPS
        maps = {layer.name: column.chosen_maps(layer.filters, count, self.seed) for layer in layers}
        columns = column.evolution_column(self.deconvnet, self._batches, maps, ImageInput(size, size, False), self.mean)
        with self.writer.as_default(step=epoch):
            for layer, watched in columns.items():
                drawn = watched.of(column.chosen_maps(len(watched.strongest), MAPS, self.seed))
                pairs = zip(drawn.projections, drawn.patches, strict=True)
                picture = sheet([block(list(pair), 1, TILE) for pair in pairs], [f"map {unit}" for unit in drawn.maps], COLUMNS)
                description = (
                    f"Feature maps of {layer}: the strongest activation over the training examples, projected to pixels, and below each "
                    "the patch of the photograph. Step = epoch."
                )
                summarize_png(f"evolution/{layer}", picture, description)
        self.writer.flush()
        self.folder.mkdir(parents=True, exist_ok=True)
        names = column.EvolutionColumn._fields if epoch in self.shown else ("strongest",)
        kept = {f"{layer}/{name}": getattr(watched, name) for layer, watched in columns.items() for name in names}
        with atomic_file(str(_file(self.folder, epoch))) as file:
            np.savez(file, **kept)
        if epoch in self.shown:
            filters = {f"{layer.name}/{number}": array for layer in self._filtering() for number, array in enumerate(layer.get_weights())}
            with atomic_file(str(_filters_file(self.folder, epoch))) as file:
                np.savez(file, **filters)

    def last_places(self, epochs: Iterable[int], columns: column.Columns) -> dict[str, dict[str, column.SamePlaces]]:
        """Measures the maps at the places of the last column with the filters of each epoch, by title and layer.

        The net keeps its own filters in the end. `columns` are those of `read_evolution`, or some maps of them; epochs are counted as
        there, and those without stored filters are left out.
        """
        if not columns:
            return {}
        self.deconvnet = self.deconvnet or Deconvnet(self.model)
        last = list(columns.values())[-1]
        size, own, found = self.mean.shape[0], [layer.get_weights() for layer in self._filtering()], {}
        try:
            for epoch in sorted(epoch for epoch in epochs if _filters_file(self.folder, epoch).exists()):
                with np.load(_filters_file(self.folder, epoch), allow_pickle=False) as arrays:
                    for layer in self._filtering():
                        layer.set_weights([arrays[f"{layer.name}/{number}"] for number in range(len(layer.weights))])
                found[column.epoch_title(epoch)] = column.same_places(self.deconvnet, self._batches, last, ImageInput(size, size, False))
        finally:
            for layer, weights in zip(self._filtering(), own, strict=True):
                layer.set_weights(weights)
        return found

    def _filtering(self) -> list[keras.layers.Layer]:
        # Nothing that is drawn lies above a dense layer, which is large.
        return [layer for layer in self.model.layers if layer.weights and not isinstance(layer, keras.layers.Dense)]

    def _batches(self, numbers: set[int] | None = None) -> Iterator:
        size, most = self.mean.shape[0], column.searched(self.examples.count("train"))
        batches = central_crops(self.examples, "train", size=size, batch_size=128, numbers=numbers, most=most)
        return ((images - self.mean, ids) for images, _, ids in batches.as_numpy_iterator())


def strongest_examples(folder: pathlib.Path, epoch: int) -> dict[str, np.ndarray]:
    """Numbers of the training examples that each feature map responded to most, by layer; empty if the epoch has no projections."""
    file = _file(folder, epoch)
    if not file.exists():
        return {}
    with np.load(file, allow_pickle=False) as arrays:
        return {name.removesuffix("/strongest"): arrays[name] for name in arrays.files if name.endswith("/strongest")}


def read_evolution(folder: pathlib.Path, epochs: set[int]) -> dict[str, dict[str, column.EvolutionColumn]]:
    """Reads the arrays of `FeatureEvolution` by title, such as `epoch 1`, and layer, as `draw_evolution` takes them.

    Epochs are counted from 1; 0 is before the first. Those without columns, since the training was once meant to be longer or shorter, are
    left out.
    """
    columns = {}
    for epoch in sorted(epoch for epoch in epochs if _file(folder, epoch).exists()):
        with np.load(_file(folder, epoch), allow_pickle=False) as arrays:
            layers = [name.removesuffix("/maps") for name in arrays.files if name.endswith("/maps")]
            if not layers:
                continue
            columns[column.epoch_title(epoch)] = {
                layer: column.EvolutionColumn(*(arrays[f"{layer}/{name}"] for name in column.EvolutionColumn._fields)) for layer in layers
            }
    return columns


def _file(folder: pathlib.Path, epoch: int) -> pathlib.Path:
    return folder / f"epoch-{epoch:04d}.npz"


def _filters_file(folder: pathlib.Path, epoch: int) -> pathlib.Path:
    return folder / f"filters-{epoch:04d}.npz"
