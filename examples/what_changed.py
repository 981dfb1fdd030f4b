"""What changed in a net between two checkpoints of its training?

    python examples/what_changed.py
    python examples/what_changed.py --before first.keras --after last.keras --photographs FOLDER

Without options a small net is trained on patches of photographs, for about half a minute on two cores, and what it was after its first
epoch compared with what it became. The table says of each layer how far its weights moved, as a share of their length before, and how the
activations of each of its maps, before and after, correlate over the same images: 1 is the same map, 0 one that has nothing to do with what
it was. The picture, what_changed.png, shows the maps that changed the most: the strongest activation of each, projected to pixels, and the
patch of the image. What the first epoch leaves is still near the noise that training began with; in the end there are edges and shapes.
"""

import pathlib

import click
import keras
import numpy as np
from PIL import Image

from zfnet.components.data.sources.patches import cut_patches
from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.figures.evolution.column import evolution_column
from zfnet.components.figures.evolution.draw import check_same_layers
from zfnet.components.figures.layers import default_convolutions, default_layers
from zfnet.components.inputs.centre_crop import read_image, to_centre_crop
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.pictures.sheet import block, sheet, side_by_side
from zfnet.model import Deconvnet, build
from zfnet.pipeline.cli.arguments import model_names
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.messages import aligned_table

SIDE, MAPS, TILE, MOST = 64, 2, 128, 300


def train(epochs: int, patches: int) -> tuple[dict[str, keras.Model], np.ndarray]:
    """Trains a small net: as it was after the first epoch and after the last, and its images `(N, 64, 64, 3)`, RGB 0..255."""
    cut = [patch for photograph in PHOTOGRAPHS for _, patch in zip(range(patches), cut_patches(photograph, "train"), strict=False)]
    images = np.stack([to_centre_crop(patch["image"], SIDE).central(SIDE, SIDE) for patch in cut]).astype(np.float32)
    labels = np.repeat(np.arange(len(PHOTOGRAPHS)), patches)
    net, first = (build("zfnet-small", (SIDE, SIDE, 3), len(PHOTOGRAPHS), mean_image=images.mean(axis=0), seed=0) for _ in range(2))
    keras.utils.set_random_seed(0)
    net.compile(keras.optimizers.SGD(0.005, momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    net.fit(images, labels, batch_size=32, verbose=2)
    first.set_weights(net.get_weights())
    net.fit(images, labels, batch_size=32, verbose=2, initial_epoch=1, epochs=epochs)
    return {"epoch 1": first, f"epoch {epochs}": net}, images


def weights_moved(layer: str, before: keras.Model, after: keras.Model) -> float:
    """Length of the difference of the filters, over their length before."""
    old, new = (net.get_layer(layer).get_weights()[0] for net in (before, after))
    return float(np.linalg.norm(new - old) / np.linalg.norm(old))


def correlations(layer: str, before: Deconvnet, after: Deconvnet, images: np.ndarray) -> np.ndarray:
    """How the activations of each map correlate, `(maps,)`, -1..1, over all images and positions; NaN where it is dead in one net."""
    old, new = (np.asarray(net.activations(images, [layer])[0], np.float64) for net in (before, after))
    old, new = (maps.reshape(-1, maps.shape[-1]) - maps.mean(axis=(0, 1, 2)) for maps in (old, new))
    size = np.sqrt((old**2).sum(axis=0) * (new**2).sum(axis=0))
    return np.where(size > 0, (old * new).sum(axis=0) / np.where(size > 0, size, 1), np.nan)


def draw(nets: dict[str, Deconvnet], images: np.ndarray, alike: dict[str, np.ndarray]) -> np.ndarray:
    """Draws the strongest activations, in both nets, of the maps that changed the most: uint8 `(height, width, 3)`."""
    changed = {layer: np.argsort(values)[:MAPS] for layer, values in alike.items()}  # NaN comes last.
    headings = [f"{layer}, map {unit}, correlation {alike[layer][unit]:.2f}" for layer, units in changed.items() for unit in units]
    sheets = []
    for net in nets.values():
        columns = evolution_column(net, lambda _: [images], changed, ImageInput.of(net.model)).values()
        pairs = [pair for column in columns for pair in zip(column.projections, column.patches, strict=True)]
        sheets.append(sheet([block(list(pair), 2, TILE) for pair in pairs], headings, MAPS))
    return side_by_side(sheets, list(nets))


@click.command(cls=Command, help=__doc__.splitlines()[0])
@click.option("--before", type=click.Path(exists=True, dir_okay=False), help="A .keras file that takes RGB 0..255.")
@click.option("--after", type=click.Path(exists=True, dir_okay=False), help="Another of the same net.")
@click.option("--photographs", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path), help="What to show to both.")
@click.option("--epochs", type=click.IntRange(2), default=8, show_default=True, help="How long to train, if no files are given.")
@click.option("--patches", default=100, show_default=True, help="How many of each photograph to train on.")
@click.option("--out", default="what_changed.png", show_default=True, help="The picture.")
def main(before: str, after: str, photographs: pathlib.Path, epochs: int, patches: int, out: str) -> None:
    """Compares two states of a net."""
    if before and after and photographs:
        models = {name: load_model_file(file) for name, file in zip(model_names((before, after)), (before, after), strict=True)}
        files = sorted(path for path in photographs.rglob("*") if path.suffix.lower() in Image.registered_extensions())
        images = np.stack([read_image(path, ImageInput.of(next(iter(models.values()))).side) for path in files]).astype(np.float32)
    elif before or after or photographs:
        raise click.UsageError("--before, --after and --photographs belong together.")
    else:
        models, images = train(epochs, patches)
    images = images[:: -(-len(images) // MOST)]
    nets = {title: Deconvnet(model) for title, model in models.items()}
    first = next(iter(nets.values()))
    layers, filters = default_layers(first), default_convolutions(first)
    check_same_layers(nets, layers)
    alike = {layer: correlations(layer, *nets.values(), images) for layer in layers}
    table = [["layer", "weights moved", "lowest correlation", "median", "highest"]]
    for (layer, values), convolution in zip(alike.items(), filters, strict=True):
        numbers = [f"{number:.2f}" for number in np.nanquantile(values, (0, 0.5, 1))]
        table.append([layer, f"{weights_moved(convolution, *models.values()):.1%}", *numbers])
    Image.fromarray(draw(nets, images, alike)).save(out)
    click.echo("\n".join([*aligned_table(table), f"{out}: the {MAPS} maps of each layer that changed the most"]))


if __name__ == "__main__":
    main()
