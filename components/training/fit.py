"""One training, from prepared examples to a saved model: set-up, the loop over epochs and steps, and the results."""

import dataclasses
import functools
import json
import sys
import textwrap
from typing import Any

import keras
import tensorflow as tf
from etils import epath

from zfnet.components.artifacts import Examples, Model, Statistics
from zfnet.components.data.crops import centring
from zfnet.components.data.training_batches import training_batches, training_ids
from zfnet.components.figures.evolution.column import evolution_epochs, watched_epochs
from zfnet.components.training.callbacks.convergence import read_convergence
from zfnet.components.training.callbacks.schedule import CosineSchedule, PlateauSchedule
from zfnet.components.training.callbacks.summaries import EpochSummaries
from zfnet.components.training.callbacks.watch_features import WatchFeatures
from zfnet.components.training.callbacks.watched_images import CentredExamples
from zfnet.components.training.checkpoints import Checkpoints
from zfnet.components.training.devices import choose_mixed_precision, choose_xla, open_cluster, precision, training_devices
from zfnet.components.training.optimizer import freeze, make_optimizer
from zfnet.components.training.recipe import Recipe, divisible_batch_size
from zfnet.components.training.results import write_model
from zfnet.components.training.start import Start
from zfnet.components.training.train_loop import train_loop
from zfnet.components.training.train_step import make_train_step, make_validate
from zfnet.model.measures.filters import structured_share
from zfnet.model.net.build import build

MOST_CHARACTERS = 200  # of the names of examples


def fit(
    recipe: Recipe,
    examples: Examples,
    statistics: Statistics,
    model: Model,
    kept: Checkpoints,
    tensorboard: str,
    keep_every: float,
    keep_checkpoints: bool = False,
    start: str | None = None,
    start_digest: str | None = None,
) -> None:
    """Trains by a recipe; see `trainer.train` for the artifacts, directories and the start; directories are local here."""
    recipe.check()
    if recipe.frozen and not start:
        raise ValueError(
            f"freeze is {recipe.freeze!r}, but there is no start: expected one, since frozen layers would keep random weights."
        )
    # TensorFlow can't shuffle by an epoch's number where its own seed is 0.
    keras.utils.set_random_seed(recipe.seed + 1)
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    size, labels, count = examples.image_size, examples.labels, examples.count("train")
    cluster = open_cluster(min(count, examples.count("validation")))
    strategy = cluster.strategy
    batch_size, epochs = divisible_batch_size(recipe.batch_for(count), cluster.replicas), recipe.epochs_for(count)
    steps = count // batch_size
    if not steps:
        raise ValueError(f"There are {count} training examples for {cluster.replicas} replicas; expected one for each at least.")
    mean = statistics.mean_image()
    margin = (examples.side - size) // 2
    central_mean = mean[margin : margin + size, margin : margin + size]

    # The net and its optimizer, as the last checkpoint has them.
    rate = optimizer_rate = recipe.learning_rate_for(count)
    schedule: PlateauSchedule | CosineSchedule = PlateauSchedule(recipe.patience)
    if recipe.row.schedule == "cosine":
        schedule = CosineSchedule(rate, recipe.decay_epochs_for(count) * steps)
        optimizer_rate = schedule.rate  # A function of the optimizer's count of steps.
    opened = Start.open(start, start_digest) if start else None
    with strategy.scope(), precision(choose_mixed_precision(recipe.mixed_precision)):
        net = build(recipe.architecture, (size, size, 3), len(labels), seed=recipe.seed + 1)
        given = opened.give(net, recipe.row.input_scale, central_mean, recipe.frozen) if opened else None
        freeze(net, recipe.frozen)
        net.compile(make_optimizer(optimizer_rate, recipe.row.weight_decay, recipe.layer_factors))
        state = kept.restore(net, epochs, batch_size)
    cluster.agree(json.dumps([dataclasses.asdict(recipe), examples.digest(), start_digest, state.to_json()]))

    # Callbacks; the chief alone writes.
    in_figure = {0} | evolution_epochs(epochs)
    writers, callbacks = [], [schedule]
    if cluster.chief:
        options = {"--mixed-precision": recipe.mixed_precision, "--xla": recipe.xla}
        print(training_devices(cluster.replicas, [name for name, chosen in options.items() if chosen]), flush=True)
        if given:
            print(given.message(recipe.frozen), flush=True)
        kept.clean()
        train_logs, validation_logs = (epath.Path(tensorboard) / split for split in ("train", "validation"))
        if not (state.epoch or state.step):  # Files of a training that was killed before its first checkpoint.
            for folder in (train_logs, validation_logs, *(epath.Path(kept.folder / name) for name in WatchFeatures.FOLDERS)):
                folder.rmtree(missing_ok=True)
        watch = WatchFeatures(
            CentredExamples(examples, central_mean),
            train_logs,
            layers=[layer.name for layer in net.layers if isinstance(layer, keras.layers.Conv2D)],
            epochs=watched_epochs(epochs),
            seed=recipe.seed,
            share=None,
            folder=kept.folder,
            sheet=False,
            resumed=state.epoch if state.step else None,
        )
        watch.set_model(net)
        writers = [watch.writer, tf.summary.create_file_writer(str(validation_logs))]
        callbacks = [EpochSummaries(*writers), schedule, watch]

    if state.epoch < epochs:
        strong_epochs = recipe.strong_epochs_for(count)
        # Uint8 crops are less work for the cores that feed the device, and a quarter of the bytes on the way there.
        centre = centring(mean, size) if recipe.crops == "ten" and not strong_epochs else None
        batches = strategy.distribute_datasets_from_function(
            lambda context: training_batches(
                examples,
                mean,
                size=size,
                batch_size=batch_size,
                seed=recipe.seed,
                first_epoch=state.epoch,
                first_step=state.step,
                epochs=epochs,
                crops=recipe.crops,
                strong_epochs=strong_epochs,
                centred=centre is None,
                context=context,
            )
        )
        verbose = 1 if sys.stdout.isatty() else 2
        keep = functools.partial(kept.keep, net, keep_epochs=in_figure if keep_checkpoints else ())
        report = functools.partial(report_divergence, examples, recipe, kept, steps=steps, batch_size=batch_size)
        train_loop(
            state,
            make_train_step(net, strategy, batch_size, choose_xla(recipe.xla, recipe.deterministic), centre),
            iter(batches),
            make_validate(net, strategy, examples, central_mean, batch_size),
            epochs=epochs,
            steps=steps,
            measure=functools.partial(_measure, net),
            schedule=schedule,
            callbacks=keras.callbacks.CallbackList(
                callbacks, add_progbar=cluster.chief, model=net, verbose=verbose, epochs=epochs, steps=steps
            ),
            keep=keep if cluster.chief else lambda state: None,
            keep_every=keep_every,
            on_divergence=report if cluster.chief else lambda step: None,
        )
    if not cluster.chief:
        return
    for writer in writers:
        writer.close()
    used: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "learning_rate": rate, "replicas": cluster.replicas}
    used |= {"schedule": recipe.row.schedule, "weight_decay": recipe.row.weight_decay, "strong_epochs": recipe.strong_epochs_for(count)}
    if given and opened:
        used |= given.numbers() | {"start_digest": start_digest}
        before = build(recipe.architecture, (size, size, 3), len(labels), seed=recipe.seed + 1, mean_image=central_mean)
        opened.give(before, recipe.row.input_scale, central_mean)
        before.save(model.path / "start.keras")
    if isinstance(schedule, CosineSchedule):
        used["decay_epochs"] = recipe.decay_epochs_for(count)
    (model.path / "convergence.json").write_text(json.dumps(read_convergence(kept.folder / "convergence", epochs), indent=1))
    write_model(model, recipe, used, net, labels, central_mean, state.history)
    watch.figure(in_figure).save(model.path / "pictures")


def _measure(net: keras.Model) -> dict[str, float]:
    share = structured_share(net)
    return {} if share is None else {"structured": share}


def report_divergence(examples: Examples, recipe: Recipe, checkpoints: Checkpoints, step: int, *, steps: int, batch_size: int) -> None:
    """Raises an error that names the first step without finite numbers, its examples and the last good checkpoint.

    Raises:
        ValueError: always; `step` is counted from 0 over all epochs, `steps` are those of an epoch.
    """
    epoch, step_of_epoch = divmod(step, steps)
    ids = training_ids(examples, batch_size=batch_size, seed=recipe.seed, epoch=epoch, step=step_of_epoch)
    good, listed = checkpoints.written(), textwrap.shorten(", ".join(ids), MOST_CHARACTERS, placeholder=" ...")
    raise ValueError(
        f"The training diverged at step {step + 1} (epoch {epoch + 1}, step {step_of_epoch + 1} of {steps}): loss, gradients or weights "
        f"are no finite numbers. The {len(ids)} examples of its batch: {listed}. "
        + (f"The last good checkpoint is {good[-1].name} in {checkpoints.called}. " if good else "There is no checkpoint before it. ")
        + "A lower learning rate may help."
    )
