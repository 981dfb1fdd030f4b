"""Feature evolution: the strongest activations of single feature maps, epoch after epoch, gathered while a net trains."""

import dataclasses
import itertools
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.figures.evolution import column
from zfnet.components.pictures.figure import summarize_png
from zfnet.components.pictures.sheet import block, sheet
from zfnet.components.storage.files import atomic_file
from zfnet.components.training.callbacks.watched_images import WatchedImages
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest, strongest_activations

MAPS = 6
# In the epochs of the figure more maps are projected than are shown: the figure draws those that are alive and different at the end.
# TensorBoard can't know these, and shows the same ones all the time.
WATCHED = 2  # for each that is shown
# Few, since TensorBoard scales pictures to a narrow card.
COLUMNS = 3
TILE = 112


@dataclasses.dataclass(frozen=True)
class FeatureEvolution:
    """Projects the strongest activation over some images of a few feature maps of every layer, at moments of a training.

    Zeiler & Fergus 2013, section 4.1 and Fig. 4. They are written to TensorBoard, one picture for each layer with the epoch as its step.
    For the epochs of the figure, `epoch-NNNN.npz` in `folder` has the columns, and `filters-NNNN.npz` the filters; for other epochs there
    are only the numbers of the strongest images.

    Args:
        layers: names of layers, as in `Deconvnet.layers`.
        maps: feature maps of each layer in TensorBoard.
        seed: decides which feature maps these are.
    """

    deconvnet: Deconvnet
    layers: Sequence[str]
    images: WatchedImages
    maps: int
    seed: int
    folder: pathlib.Path
    writer: tf.summary.SummaryWriter

    def search(self, most: int, others: Iterable[str] = ()) -> dict[str, Strongest]:
        """Searches the first `most` images for the strongest activation of each map of the layers, and of some others."""
        layers = list(dict.fromkeys([*self.layers, *others]))
        return strongest_activations(self.deconvnet, self.images.batches(None, most), layers, k=1)

    def project(self, epoch: int, strongest: Mapping[str, Strongest], shown: bool) -> None:
        """Projects the activations that `search` found, in the net after `epoch` epochs; 0 is before the first.

        `shown` tells whether the figure shows this epoch.
        """
        graph = self.deconvnet.graph
        count = self.maps * WATCHED if shown else self.maps
        maps = {layer: column.chosen_maps(graph.unit_count(layer), count, self.seed) for layer in self.layers}
        columns = column.evolution_column(
            self.deconvnet,
            lambda numbers: self.images.batches(numbers, self.images.count),
            maps,
            self.images.image_input,
            self.images.to_rgb,
            strongest,
        )
        with self.writer.as_default(step=epoch):
            for layer, watched in columns.items():
                drawn = watched.of(column.chosen_maps(len(watched.strongest), self.maps, self.seed))
                pairs = zip(drawn.projections, drawn.patches, strict=True)
                kind = "map" if drawn.positions.shape[1] else "unit"
                picture = sheet([block(list(pair), 1, TILE) for pair in pairs], [f"{kind} {unit}" for unit in drawn.maps], COLUMNS)
                description = (
                    f"Feature maps of {layer}: the strongest activation over the training examples, projected to pixels, and below each "
                    "the patch of the photograph. Step = epoch."
                )
                summarize_png(f"evolution/{layer}", picture, description)
        self.writer.flush()
        self.folder.mkdir(parents=True, exist_ok=True)
        names = column.EvolutionColumn._fields if shown else ("strongest",)
        kept = {f"{layer}/{name}": getattr(watched, name) for layer, watched in columns.items() for name in names}
        with atomic_file(str(_file(self.folder, epoch))) as file:
            np.savez(file, **kept)
        if shown:
            with atomic_file(str(_filters_file(self.folder, epoch))) as file:
                np.savez(file, *(array for layer in self._below() for array in layer.get_weights()))

    def last_places(self, epochs: Iterable[int], columns: column.Columns) -> dict[str, dict[str, column.SamePlaces]]:
        """Measures the maps at the places of the last column with the filters of each epoch, by title and layer.

        The net keeps its own filters in the end. `columns` are those of `read_evolution`, or some maps of them; epochs are counted as
        there, and those without stored filters are left out.
        """
        if not columns:
            return {}
        last, below = list(columns.values())[-1], self._below()
        own, found = [layer.get_weights() for layer in below], {}
        try:
            for epoch in sorted(epoch for epoch in epochs if _filters_file(self.folder, epoch).exists()):
                with np.load(_filters_file(self.folder, epoch), allow_pickle=False) as arrays:
                    filters = (arrays[name] for name in arrays.files)
                    for layer in below:
                        layer.set_weights(list(itertools.islice(filters, len(layer.weights))))
                found[column.epoch_title(epoch)] = column.same_places(
                    self.deconvnet, lambda numbers: self.images.batches(numbers, self.images.count), last, self.images.image_input
                )
        finally:
            for layer, weights in zip(below, own, strict=True):
                layer.set_weights(weights)
        return found

    def has_looked(self, epochs: Iterable[int]) -> bool:
        """Whether there are projections after any of these epochs."""
        return any(_file(self.folder, epoch).exists() for epoch in epochs)

    def has_column(self, epoch: int) -> bool:
        """Whether the figure can show this epoch."""
        return bool(read_evolution(self.folder, [epoch]))

    def check_layers(self, epoch: int) -> None:
        """Raises a ValueError if projections until this epoch are of other layers."""
        for number in range(epoch + 1):
            found = list(strongest_examples(self.folder, number))
            if found and set(found) != set(self.layers):
                raise ValueError(f"{self.folder} holds projections of {', '.join(found)}; give these layers, or another log_dir.")

    def remove_after(self, epoch: int) -> None:
        """Removes the files of later epochs, of a training that goes on from an earlier one."""
        for file in self.folder.glob("*-*.npz"):
            if int(file.stem.split("-")[1]) > epoch:
                file.unlink()

    def _below(self) -> list[keras.layers.Layer]:
        """The layers with weights that projections come through, each once."""
        graph = self.deconvnet.graph
        layers = {id(each.layer): each.layer for each in graph.needed_for(*map(graph.value_of, self.layers))}
        return [layer for layer in layers.values() if getattr(layer, "weights", None)]


def strongest_examples(folder: pathlib.Path, epoch: int) -> dict[str, np.ndarray]:
    """Numbers of the images that each feature map responded to most, by layer; empty if the epoch has no projections."""
    file = _file(folder, epoch)
    if not file.exists():
        return {}
    with np.load(file, allow_pickle=False) as arrays:
        return {name.removesuffix("/strongest"): arrays[name] for name in arrays.files if name.endswith("/strongest")}


def read_evolution(folder: pathlib.Path, epochs: Iterable[int]) -> dict[str, dict[str, column.EvolutionColumn]]:
    """Reads the arrays of `FeatureEvolution` by title, such as `epoch 1`, and layer, as `draw_evolution` takes them.

    Epochs are counted from 1; 0 is before the first. Those without columns, since the training was once meant to be longer or shorter, are
    left out.
    """
    columns = {}
    for epoch in sorted(epoch for epoch in set(epochs) if _file(folder, epoch).exists()):
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
