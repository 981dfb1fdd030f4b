"""Look inside a Keras model of your own: here a small net with batch normalisation and a shortcut, which this project did not build.

    python examples/own_model.py
    python examples/own_model.py --model mine.keras --photographs FOLDER --preprocessing unit --layer block3_conv3
    python examples/own_model.py --model keras:VGG16 --photographs FOLDER --layer block3_conv3 --layer block5_conv3

Without --model a net learns the handwritten digits of scikit-learn, in about 20 s on two cores. Each layer has a picture in own_model/,
with a block for each map: on the right are the nine windows that it answers to most, on the left their activations, projected to pixels by
the deconvnet. A map answers to light where its projection is light, to the lack of it where it is dark, and to nothing where it is grey.
Maps of the middle layer find ends and edges of strokes; those of the late one see whole digits, and tell a 6 by what it lacks.
"""

import pathlib

import click
import keras
import numpy as np
from keras import layers
from PIL import Image
from sklearn.datasets import load_digits

import zfnet
from zfnet.components.inputs.preprocessing import PREPROCESSINGS
from zfnet.pipeline.cli.command import Command

SIDE, MAPS = 20, 6


def build_net() -> keras.Model:
    """Builds a net such as you may have: images `(20, 20, 3)`, RGB 0..255, to logits of ten digits."""

    def convolution(signal, filters: int, size: int):
        # Filters that begin near 0 end up smooth. Otherwise projections show the noise that the filters began with.
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


@click.command(cls=Command, help=__doc__.splitlines()[0])
@click.option("--model", help="A .keras file, or a net of Keras such as keras:VGG16; needs --photographs and --layer.")
@click.option("--photographs", type=click.Path(exists=True), help="A folder of photographs.")
@click.option("--preprocessing", type=click.Choice(list(PREPROCESSINGS)), help="Pixel values that the model takes, if not RGB 0..255.")
@click.option("--layer", "names", multiple=True, help="Name of a layer; may be given again.")
@click.option("--epochs", default=15, show_default=True, help="How long to train on digits.")
@click.option(
    "--out", type=click.Path(path_type=pathlib.Path), default="own_model", show_default=True, help="A directory for the pictures."
)
def main(
    model: str | None, photographs: str | None, preprocessing: str | None, names: tuple[str, ...], epochs: int, out: pathlib.Path
) -> None:
    """Trains a net or takes one, and draws what it sees."""
    if bool(model) != bool(photographs) or (model and not names):
        raise click.UsageError("--model, --photographs and --layer belong together.")
    net, images = (model, photographs) if model else train_on_digits(epochs)
    for name in names or ("middle", "late"):
        figure = zfnet.gallery(net, images, name, maps=MAPS, preprocessing=preprocessing)
        click.echo(figure.save(out / f"{name}.png")[0])


if __name__ == "__main__":
    main()
