"""Filters that a training kept after some epochs, loaded into its model: every map of a net as it was then."""

import pathlib
import zipfile
from collections.abc import Iterable, Iterator

import numpy as np
from etils import epath

from zfnet.components.artifacts import Artifact
from zfnet.components.figures.evolution.column import epoch_title
from zfnet.components.figures.layers import convolutions
from zfnet.components.storage.local_copy import local_copy
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.net.layers import MeanImage

FOLDER = "evolution"  # Below the directory of a training's checkpoints, see `callbacks/evolution.py`.


class KeptFilters:
    """The filters of the convolutions after some epochs of a training, as `FeatureEvolution` stored them.

    Args:
        deconvnet: of the model that the training saved.
        folder: the directory `evolution` of its checkpoints.
        epochs: epochs that it took.

    Raises:
        ValueError: there are no such filters, those of the last epoch are not the model's, or a file can't be read.
    """

    def __init__(self, deconvnet: Deconvnet, folder: pathlib.Path, epochs: int) -> None:
        self.deconvnet, graph = deconvnet, deconvnet.graph
        found = {int(file.stem.split("-")[1]): file for file in sorted(folder.glob("filters-*.npz"))}
        self._files = {epoch: file for epoch, file in found.items() if epoch <= epochs}
        if len(self._files) < 2 or epochs not in self._files:
            raise ValueError(f"{folder} holds no filters of epoch {epochs} and of one before it.")
        values = [graph.value_of(name) for name in convolutions(graph)]
        # In the order in which they were stored; the mean image belongs to the saved model alone.
        layers = {id(each.layer): each.layer for each in graph.needed_for(*values)}
        self._layers = [each for each in layers.values() if getattr(each, "weights", None) and not isinstance(each, MeanImage)]
        own = [weight for layer in self._layers for weight in layer.get_weights()]
        last = self._read(epochs, own)
        if not all(np.array_equal(one, other) for one, other in zip(own, last, strict=True)):
            raise ValueError(f"{self._files[epochs]} holds the filters of another training than the model.")
        for epoch in self._files:
            self._read(epoch, own)  # A damaged file is found now, not after the first moments.
        self.titles = [epoch_title(epoch) for epoch in self._files]

    def holds(self, layer: str) -> bool:
        """Whether all weights that an activation of a layer, by its name, depends on were kept."""
        graph = self.deconvnet.graph
        needed = [each.layer for each in graph.needed_for(graph.value_of(layer))]
        return all(each in self._layers or isinstance(each, MeanImage) for each in needed if getattr(each, "weights", None))

    def moments(self, *, only_earlier: bool = False) -> Iterator[tuple[str, Deconvnet]]:
        """Loads the filters of one epoch after the other; yields the title of the moment and the deconvnet. The model's own come back.

        `only_earlier` leaves out the last moment, which is the model itself.

        Raises:
            ValueError: a file can't be read, or has filters of other shapes.
        """
        own = [layer.get_weights() for layer in self._layers]
        try:
            for epoch in list(self._files)[: -1 if only_earlier else None]:
                filters = iter(self._read(epoch, [weight for weights in own for weight in weights]))
                for layer, weights in zip(self._layers, own, strict=True):
                    layer.set_weights([next(filters) for _ in weights])
                yield epoch_title(epoch), self.deconvnet
        finally:
            for layer, weights in zip(self._layers, own, strict=True):
                layer.set_weights(weights)

    def _read(self, epoch: int, like: list[np.ndarray]) -> list[np.ndarray]:
        file = self._files[epoch]
        try:
            with np.load(file, allow_pickle=False) as arrays:
                found = [arrays[name] for name in arrays.files]
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{file} can't be read: {error}") from error
        if [each.shape for each in found] != [each.shape for each in like]:
            raise ValueError(f"{file} holds filters of other shapes than the model's.")
        return found


def find_filters(deconvnet: Deconvnet, checkpoints: Iterable[epath.PathLike], epochs: int) -> KeptFilters | None:
    """The filters that a training kept beside its checkpoints, from the first of these directories that has those of the model.

    Arguments are those of `KeptFilters`; directories of checkpoints may be in a remote storage. None if no directory has any: then it
    prints why.
    """
    reasons = []
    for folder in (epath.Path(each) / FOLDER for each in checkpoints):
        if folder.exists():
            try:
                return KeptFilters(deconvnet, pathlib.Path(local_copy(Artifact(folder)).path), epochs)
            except ValueError as error:
                reasons.append(f"No filters of earlier epochs: {error}")
    print("\n".join(reasons), end="\n" if reasons else "")
    return None
