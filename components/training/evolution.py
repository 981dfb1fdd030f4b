"""Feature evolution: what single feature maps look for, epoch after epoch, gathered while a net trains."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_batches
from zfnet.components.data.storage import written_whole
from zfnet.components.pictures.image_input import ImageInput
from zfnet.components.pictures.projected_pictures import projected_pictures
from zfnet.components.pictures.sheet import block, sheet
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.frame import cut_window
from zfnet.model.deconvnet.project_strongest import project_strongest
from zfnet.model.deconvnet.strongest_activations import strongest_activations

# Zeiler & Fergus 2013, Fig. 4.
PAPER_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)
MAPS = 6
# Few, since TensorBoard scales pictures to a narrow card.
COLUMNS = 3
TILE = 112
# Of ImageNet's 1.3 million examples a look at all would take a third of an epoch; shards are random mixtures, so the first are any.
SEARCHED = 50_000


def evolution_epochs(epochs: int) -> set[int]:
    """Epochs at which to look: the paper's, or every one of a run shorter than ten; counted from 1."""
    return set(range(1, epochs + 1)) if epochs < 10 else {epoch for epoch in PAPER_EPOCHS if epoch <= epochs}


class FeatureEvolution(keras.callbacks.Callback):
    """After some epochs, projects the strongest activation over the training examples of a few feature maps of every layer.

    Zeiler & Fergus 2013, section 4.1 and Fig. 4. Written to TensorBoard, one picture a layer with the epoch as its step, and as
    `epoch-NNNN.npz` into a folder, from which `draw_evolution` makes the paper's figure.

    Args:
        examples: prepared examples; the central crops of the split `train` are searched, of a large one the first 50,000.
        mean: mean of the central crop, float `(size, size, 3)`, values 0..255.
        epochs: at which epochs to look, counted from 1.
        seed: decides which feature maps are shown.
        folder: where the arrays are kept.
        writer: TensorBoard's summary writer.
    """

    def __init__(self, examples: Examples, mean: np.ndarray, epochs: set[int], seed: int, folder: pathlib.Path, writer):
        super().__init__()
        self.examples, self.mean, self.epochs, self.seed = examples, mean, epochs, seed
        self.folder, self.writer = folder, writer
        self.deconvnet = None

    def on_epoch_end(self, epoch, logs=None):
        """Looks at the net, if it is time."""
        if epoch + 1 in self.epochs:
            self._look(epoch + 1)

    def _look(self, epoch: int) -> None:
        self.deconvnet = self.deconvnet or Deconvnet(self.model)
        size = self.mean.shape[0]
        layers = [layer.name for layer in self.model.layers if isinstance(layer, keras.layers.Conv2D)]
        strongest = strongest_activations(self.deconvnet, self._batches(), layers, k=1)
        maps = {layer: chosen_maps(len(strongest[layer].values), MAPS, self.seed) for layer in layers}
        chosen = {layer: (units, np.zeros_like(units)) for layer, units in maps.items()}
        wanted = {int(number) for layer in layers for number in strongest[layer].examples[maps[layer], 0]}
        projections, patches = ({layer: {} for layer in layers} for _ in range(2))
        for part in project_strongest(self.deconvnet, self._batches(wanted), strongest, chosen):
            mean = [cut_window(self.mean, corner, part.patches.shape[1:3]) for corner in part.corners]
            pictures = projected_pictures(part._replace(patches=part.patches + mean), ImageInput(size, size, False))
            projections[part.layer].update(zip(part.units, pictures.projections, strict=True))
            patches[part.layer].update(zip(part.units, pictures.patches, strict=True))
        kept = {}
        for layer, units in maps.items():
            pairs = [(projections[layer][unit], patches[layer][unit]) for unit in units]
            kept |= {
                f"{layer}/maps": units,
                f"{layer}/values": strongest[layer].values[units, 0],
                f"{layer}/strongest": strongest[layer].examples[:, 0],
                f"{layer}/projections": np.stack([pair[0] for pair in pairs]),
                f"{layer}/patches": np.stack([pair[1] for pair in pairs]),
            }
            with self.writer.as_default(step=epoch):
                picture = sheet([block(list(pair), 1, TILE) for pair in pairs], [f"map {unit}" for unit in units], COLUMNS)
                tf.summary.image(
                    f"evolution/{layer}",
                    picture[None],
                    description=f"Feature maps of {layer}: the strongest activation over the training examples, projected to pixels, "
                    "and below each the patch of the photograph. Step = epoch.",
                )
        self.writer.flush()
        self.folder.mkdir(parents=True, exist_ok=True)
        with written_whole(str(_file(self.folder, epoch))) as file:
            np.savez(file, **kept)

    def _batches(self, numbers: set[int] | None = None):
        size = self.mean.shape[0]
        batches = central_batches(self.examples, "train", size=size, batch_size=128, numbers=numbers, most=SEARCHED)
        return ((images - self.mean, ids) for images, _, ids in batches.as_numpy_iterator())


def chosen_maps(units: int, count: int, seed: int) -> np.ndarray:
    """A random subset of a layer's feature maps, in order: the same for the same seed."""
    return np.sort(np.random.default_rng(seed).permutation(units)[:count])


def strongest_examples(folder: pathlib.Path, epoch: int) -> dict[str, np.ndarray]:
    """Numbers of the training examples that each feature map answered to most, by layer; empty if the epoch was not looked at."""
    file = _file(folder, epoch)
    if not file.exists():
        return {}
    with np.load(file, allow_pickle=False) as arrays:
        return {name.removesuffix("/strongest"): arrays[name] for name in arrays.files if name.endswith("/strongest")}


def draw_evolution(folder: pathlib.Path, epochs: set[int]) -> dict[str, np.ndarray]:
    """Draws the paper's Fig. 4 from what `FeatureEvolution` kept.

    Args:
        folder: where the arrays were kept.
        epochs: which epochs to draw, counted from 1; those that were not looked at, since the training was once meant to be longer or
            shorter, are left out.

    Returns:
        For each layer a uint8 picture: a row for each feature map, a column for each epoch, and the patch of the last one.
    """
    columns = {}
    for epoch in sorted(epoch for epoch in epochs if _file(folder, epoch).exists()):
        with np.load(_file(folder, epoch), allow_pickle=False) as arrays:
            columns[epoch] = dict(arrays)
    if not columns:
        return {}
    last = columns[max(columns)]
    pictures = {}
    for layer in sorted({name.split("/")[0] for name in last}):
        blocks = [block(list(arrays[f"{layer}/projections"]), 1, TILE) for arrays in columns.values()]
        headings = [f"epoch {epoch}" for epoch in columns]
        pictures[layer] = sheet(
            [*blocks, block(list(last[f"{layer}/patches"]), 1, TILE)], [*headings, f"patch, epoch {max(columns)}"], len(blocks) + 1
        )
    return pictures


def _file(folder: pathlib.Path, epoch: int) -> pathlib.Path:
    return folder / f"epoch-{epoch:04d}.npz"
