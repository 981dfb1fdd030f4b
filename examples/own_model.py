"""Look inside a Keras model of your own: here a small net with batch normalisation and a shortcut, which this project did not build.

    python examples/own_model.py
    python examples/own_model.py --model mine.keras --photographs FOLDER --preprocessing unit --layer block3_conv3

Without --model a net learns the handwritten digits of scikit-learn, in about 20 s on two cores. The picture, own_model.png, has a column
for each layer and a block for each map: on the right the nine windows that it answers to most, on the left their activations, projected to
pixels by the deconvnet. A map answers to light where its projection is light, to the lack of it where it is dark, and to nothing where it
is grey. Maps of the middle layer find ends and edges of strokes; those of the late one see whole digits, and tell a 6 by what it lacks.
"""

import pathlib

import click
import keras
import numpy as np
from keras import layers
from PIL import Image
from sklearn.datasets import load_digits

from zfnet.components.figures.gallery.gallery import GalleryTiles
from zfnet.components.figures.layers import default_layers
from zfnet.components.inputs.centre_crop import read_image
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.inputs.preprocessing import PREPROCESSINGS, with_preprocessing
from zfnet.components.pictures.project_images import projected_activations
from zfnet.components.pictures.sheet import side_by_side
from zfnet.model import Deconvnet, project_strongest, strongest_activations
from zfnet.pipeline.cli.command import Command

SIDE, MAPS = 20, 4


def build_net() -> keras.Model:
    """A net as one may have lying around: images `(20, 20, 3)`, RGB 0..255, to logits of ten digits."""

    def convolution(signal, filters: int, size: int):
        # Filters that begin near 0 end up smooth; else projections show the noise that they began with.
        small = keras.initializers.RandomNormal(stddev=0.003)
        signal = layers.Conv2D(filters, size, padding="same", use_bias=False, kernel_initializer=small)(signal)
        return layers.BatchNormalization(momentum=0.9)(signal)

    images = keras.Input((SIDE, SIDE, 3))
    grey = layers.Conv2D(1, 1, use_bias=False, trainable=False, kernel_initializer=keras.initializers.Constant(1 / 765))(images)
    signal = layers.MaxPooling2D(3, 2, padding="same")(layers.ReLU(name="early")(convolution(grey, 16, 5)))
    signal = layers.MaxPooling2D(3, 2, padding="same")(layers.ReLU(name="middle")(convolution(signal, 32, 3)))
    signal = layers.ReLU()(convolution(signal, 32, 1))
    signal = layers.ReLU(name="late")(layers.Add()([signal, convolution(signal, 32, 3)]))
    return keras.Model(images, layers.Dense(10)(layers.GlobalAveragePooling2D()(signal)))


def train_on_digits(epochs: int) -> tuple[keras.Model, np.ndarray]:
    """Trains the net on 1,400 scanned digits and tests it on 397 of other writers; returns all, float32 `(1797, 20, 20, 3)`, 0..255."""
    scans, labels = load_digits(return_X_y=True)
    pictures = [Image.fromarray(scan) for scan in (scans.reshape(-1, 8, 8) / 16 * 255).astype(np.uint8)]
    images = np.stack([picture.resize((SIDE, SIDE)).convert("RGB") for picture in pictures]).astype(np.float32)
    keras.utils.set_random_seed(0)
    net = build_net()
    rate = keras.optimizers.schedules.CosineDecay(0.03, 44 * epochs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(keras.optimizers.SGD(rate, momentum=0.9, weight_decay=0.1), loss=loss, metrics=["accuracy"])
    net.fit(images[:1400], labels[:1400], batch_size=32, epochs=epochs, validation_data=(images[1400:], labels[1400:]), verbose=2)
    return net, images


def draw(deconvnet: Deconvnet, images: np.ndarray, names: list[str]) -> np.ndarray:
    """Draws the nine strongest activations of some maps of each layer: uint8 `(height, width, 3)`."""
    strongest = strongest_activations(deconvnet, [images], names, k=9)
    drawn = {}
    for name, found in strongest.items():
        units = np.sort(np.random.default_rng(0).permutation(np.flatnonzero(found.values[:, 0] > 0))[:MAPS])
        drawn[name] = GalleryTiles(*np.array([(unit, rank) for unit in units for rank in np.flatnonzero(found.values[unit] > 0)]).T)
    parts = project_strongest(deconvnet, [images], strongest, {name: (tiles.units, tiles.ranks) for name, tiles in drawn.items()})
    for each in projected_activations(parts, strongest, ImageInput.of(deconvnet.model)):
        drawn[each.layer].add(each)
    sheets = [tiles.sheet({unit: f"map {unit}" for unit in np.unique(tiles.units).tolist()}, columns=1) for tiles in drawn.values()]
    return side_by_side(sheets, list(drawn))


@click.command(cls=Command, help=__doc__.splitlines()[0])
@click.option("--model", type=click.Path(exists=True, dir_okay=False), help="A .keras file; needs --photographs.")
@click.option("--photographs", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path), help="A folder of them.")
@click.option("--preprocessing", type=click.Choice(list(PREPROCESSINGS)), default="raw", help="What the model takes: raw is RGB 0..255.")
@click.option("--layer", "names", multiple=True, help="Name of a layer; may be given again.")
@click.option("--epochs", default=15, show_default=True, help="How long to train on digits.")
@click.option("--out", default="own_model.png", show_default=True, help="The picture.")
def main(model: str | None, photographs: pathlib.Path, preprocessing: str, names: tuple[str, ...], epochs: int, out: str) -> None:
    """Trains a net or loads one, and draws what it sees."""
    if model and photographs:
        net = with_preprocessing(load_model_file(model), preprocessing)
        image_input = ImageInput.of(net)
        files = sorted(path for path in photographs.rglob("*") if path.suffix.lower() in Image.registered_extensions())
        images = image_input.to_model_layout(image_input.crop(np.stack([read_image(path, image_input.side) for path in files]))).astype(
            np.float32
        )
    elif model or photographs:
        raise click.UsageError("--model and --photographs belong together.")
    else:
        net, images = train_on_digits(epochs)
    deconvnet = Deconvnet(net)
    names = names or (("middle", "late") if not model else (default_layers(deconvnet)[0], default_layers(deconvnet)[-1]))
    Image.fromarray(draw(deconvnet, images, list(names))).save(out)
    click.echo(f"{out}: maps of {' and '.join(names)}, searched in {len(images):,} images")


if __name__ == "__main__":
    main()
