"""One training, from prepared examples to a saved model."""

import dataclasses
import json
import math
import pathlib
import sys

import keras
import tensorflow as tf
from etils import epath
from PIL import Image

from zfnet.components.artifacts import Examples, Model, Statistics
from zfnet.components.data.batches import central_batches, training_batches
from zfnet.components.pictures.filter_grid import filter_grid
from zfnet.components.training.checkpoints import Checkpoints
from zfnet.components.training.divergence import StopOnDivergence
from zfnet.components.training.epoch_summaries import EpochSummaries
from zfnet.components.training.evolution import FeatureEvolution, draw_evolution, evolution_epochs
from zfnet.model.net.architecture import find_architecture
from zfnet.model.net.build import build
from zfnet.model.net.top_k_error import TopKError

# Steps that a small net needs to learn something, when the number of epochs is left open.
STEPS = 600
FEWEST_EPOCHS, MOST_EPOCHS = 10, 60
# When the batch is left open: an epoch of a tiny data set still has this many steps.
STEPS_PER_EPOCH = 8
LARGEST_BATCH = 64
SMALLEST_LEARNING_RATE = 1e-5
CROPS = ("ten", "random")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train; the fields are the parameters of `trainer.train`.

    Raises:
        ValueError: if one is out of its range.
    """

    architecture: str
    epochs: int | None
    batch_size: int | None
    learning_rate: float
    patience: int
    seed: int
    crops: str
    deterministic: bool

    def __post_init__(self):
        find_architecture(self.architecture)
        for name in ("epochs", "batch_size", "learning_rate", "patience"):
            number = getattr(self, name)
            if number is not None and number <= 0:
                raise ValueError(f"{name} is {number}; it must be greater than 0.")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must not be negative.")
        if self.crops not in CROPS:
            raise ValueError(f"crops is {self.crops!r}; expected one of: {', '.join(CROPS)}.")

    def batch_for(self, examples: int) -> int:
        """Images a step, given the number of training examples."""
        return min(self.batch_size, examples) if self.batch_size else max(1, min(LARGEST_BATCH, examples // STEPS_PER_EPOCH))

    def learning_rate_for(self, examples: int) -> float:
        """Learning rate at the start, given the number of training examples.

        A batch that was left open and came out small gets a rate that is smaller in proportion: with 0.01 and batches of nine images
        the small net diverged.
        """
        return self.learning_rate if self.batch_size else self.learning_rate * self.batch_for(examples) / LARGEST_BATCH

    def epochs_for(self, examples: int) -> int:
        """Number of epochs, given the number of training examples."""
        steps_an_epoch = max(1, examples // self.batch_for(examples))
        return self.epochs or min(max(math.ceil(STEPS / steps_an_epoch), FEWEST_EPOCHS), MOST_EPOCHS)


def fit(recipe: Recipe, examples: Examples, statistics: Statistics, model: Model, checkpoints: str, tensorboard: str) -> None:
    """Trains by a recipe; see `trainer.train` for the artifacts and directories."""
    # TensorFlow can't shuffle by an epoch's number where its own seed is 0.
    keras.utils.set_random_seed(recipe.seed + 1)
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    size, labels = examples.image_size, examples.labels
    count, validation_count = examples.count("train"), examples.count("validation")
    strategy = _strategy(min(count, validation_count))
    # Keras can't sum up a first batch of which the replicas have different shares.
    replicas = strategy.num_replicas_in_sync
    batch_size, epochs = whole_shares(recipe.batch_for(count), replicas), recipe.epochs_for(count)
    mean = statistics.mean_image()
    margin = (examples.side - size) // 2
    central_mean = mean[margin : margin + size, margin : margin + size]

    with strategy.scope():
        net = build(recipe.architecture, (size, size, 3), len(labels))
        net.compile(
            optimizer=keras.optimizers.SGD(recipe.learning_rate_for(count), momentum=0.9),
            loss=keras.losses.SparseCategoricalCrossentropy(),
            metrics=[TopKError(1), TopKError(5)],
            # Under a strategy XLA fails on some GPU operations, and on a CPU it is slower.
            jit_compile=False,
        )
        # Section 3: "manually annealed ... when the validation error plateaus"; the factor is not stated.
        plateau = keras.callbacks.ReduceLROnPlateau(
            monitor="val_top1_error", mode="min", factor=0.1, patience=recipe.patience, min_delta=0, min_lr=SMALLEST_LEARNING_RATE
        )
        kept = Checkpoints(pathlib.Path(checkpoints), plateau)
        done = kept.restore(net, epochs)

    logs = [epath.Path(tensorboard) / split for split in ("train", "validation")]
    if not kept.written():
        for log in logs:  # of a training that was killed before its first checkpoint
            log.rmtree(missing_ok=True)
    writers = [tf.summary.create_file_writer(str(log)) for log in logs]
    evolution_folder = pathlib.Path(checkpoints) / "evolution"
    looked_at = evolution_epochs(epochs)
    if done < epochs:
        net.fit(
            training_batches(
                examples,
                mean,
                size=size,
                batch_size=batch_size,
                seed=recipe.seed,
                first_epoch=done,
                epochs=epochs,
                crops=recipe.crops,
            ),
            validation_data=central_batches(
                examples, "validation", size=size, batch_size=whole_shares(min(batch_size, validation_count), replicas)
            ).map(lambda images, labels, _: (images - central_mean, labels)),
            initial_epoch=done,
            epochs=epochs,
            steps_per_epoch=count // batch_size,
            shuffle=False,
            callbacks=[
                StopOnDivergence(),
                # Before the schedule, so that it tells the learning rate that the epoch was trained at.
                EpochSummaries(*writers),
                plateau,
                FeatureEvolution(examples, central_mean, looked_at, recipe.seed, evolution_folder, writers[0]),
                kept,
            ],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    for writer in writers:
        writer.close()
    used = {"epochs": epochs, "batch_size": batch_size, "learning_rate": recipe.learning_rate_for(count), "replicas": replicas}
    (model.path / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe) | used, indent=1))
    _save(model, recipe, net, labels, central_mean, kept.history, draw_evolution(evolution_folder, looked_at))


def whole_shares(batch_size: int, replicas: int) -> int:
    """The largest batch up to `batch_size` of which every replica has the same share, one image at least."""
    return max(replicas, batch_size // replicas * replicas)


def _strategy(examples: int) -> tf.distribute.MirroredStrategy:
    strategy = tf.distribute.MirroredStrategy()
    if examples < strategy.num_replicas_in_sync:
        strategy = tf.distribute.MirroredStrategy(strategy.extended.worker_devices[:1])
    return strategy


def _save(model: Model, recipe: Recipe, net: keras.Model, labels, mean, history, pictures) -> None:
    saved = build(recipe.architecture, net.input_shape[1:], len(labels), mean_image=mean)
    for layer in net.layers:
        saved.get_layer(layer.name).set_weights(layer.get_weights())
    saved.save(model.path / "model.keras")
    (model.path / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    (model.path / "history.json").write_text(json.dumps(history, indent=1))
    folder = model.path / "pictures"
    folder.mkdir()
    pictures = {f"evolution_{layer}": picture for layer, picture in pictures.items()}
    pictures["filters_conv1"] = filter_grid(saved.get_layer("conv1").kernel.numpy())
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / f"{name}.png")
