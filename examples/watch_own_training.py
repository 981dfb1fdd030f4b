"""Watch a Keras model of your own learn: its features in TensorBoard, epoch after epoch, and as a sheet at the end.

    python examples/watch_own_training.py FOLDER
    zfnet tensorboard --root watched_training

FOLDER holds the photographs of each class in a folder of its own, `CLASS/*`. The script uses Keras, and of this project only the public
names: put the line with `zfnet.WatchFeatures` into a training of your own. In TensorBoard, Images has the filters of the first layer and
six feature maps of each layer, with a slider over the epochs; Scalars has measures of the filters, and how much each layer still changes.
`evolution_LAYER.png` in the log directory shows all of these epochs side by side. Filters of the first layer turn from noise into edges
and colours within a few epochs, and upper layers find their patterns later.
"""

import argparse
import pathlib

import keras

import zfnet

SHOWN = {1, 2, 5, 10, 20, 40}


def build(side: int, classes: int) -> keras.Model:
    """A small net for images `(side, side, 3)`, RGB 0..255."""
    layers = keras.layers
    # Filters that begin near 0 end up smooth. Otherwise they keep the noise that they began with.
    small = keras.initializers.RandomNormal(stddev=0.01)
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            layers.Rescaling(1 / 64, offset=-2),
            layers.Conv2D(32, 7, strides=2, activation="relu", kernel_initializer=small, name="first"),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(64, 5, activation="relu", kernel_initializer="he_normal", name="second"),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(96, 3, activation="relu", kernel_initializer="he_normal", name="third"),
            layers.GlobalMaxPooling2D(),
            layers.Dropout(0.3),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    """Trains the net on a folder, and watches it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="folder of photographs, CLASS/*")
    parser.add_argument(
        "--log-dir", type=pathlib.Path, default="watched_training", help="directory for TensorBoard; a new one for every training"
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--side", type=int, default=64, help="side of the images that the net sees, in pixels")
    given = parser.parse_args(arguments)

    keras.utils.set_random_seed(0)
    train, validation = keras.utils.image_dataset_from_directory(
        given.folder,
        image_size=(given.side, given.side),
        crop_to_aspect_ratio=True,
        validation_split=0.2,
        subset="both",
        seed=0,
        verbose=False,
    )
    net = build(given.side, len(train.class_names))
    # If colours alone tell the classes apart, a net learns no shapes. So half of the images are grey, and all may be brighter or darker.
    layers = keras.layers
    vary = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomGrayscale(0.5), layers.RandomBrightness(0.2)])
    varied = train.map(lambda images, labels: (vary(images, training=True), labels))
    net.compile(keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = zfnet.WatchFeatures(train, given.log_dir, epochs=SHOWN | {given.epochs})
    net.fit(varied, validation_data=validation, epochs=given.epochs, verbose=2, callbacks=[watch])
    print(f"The sheets: {', '.join(str(path) for path in sorted(given.log_dir.glob('evolution_*.png')))}")


if __name__ == "__main__":
    main()
