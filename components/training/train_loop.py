"""The loop over epochs and steps of a training."""

import time
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from zfnet.components.training.callbacks.schedule import CosineSchedule, PlateauSchedule
from zfnet.components.training.checkpoints import TrainingState
from zfnet.components.training.interruption import Interruption

# Seconds between readings of the numbers; each reading waits for the GPUs.
LOG_INTERVAL = 1.0


def train_loop(
    state: TrainingState,
    train_step: Callable,
    batches: Iterator,
    validate: Callable[[], dict[str, float]],
    *,
    epochs: int,
    steps: int,
    measure: Callable[[], dict[str, float]],
    schedule: PlateauSchedule | CosineSchedule,
    callbacks: keras.callbacks.CallbackList,
    keep: Callable[[TrainingState], None],
    keep_every: float,
    on_divergence: Callable[[int], None],
) -> None:
    """Trains until `epochs` epochs are done, from wherever the training was left.

    Keras' own `fit` fails under MultiWorkerMirroredStrategy, and can't stop or go on in the middle of an epoch; this does, and calls Keras'
    callbacks as `fit` would.

    Args:
        state: of the training; it is changed along the way.
        train_step, validate: see `make_train_step` and `make_validate`.
        batches: iterator over what is still to be trained on; `steps` make an epoch.
        measure: measures the net's weights at the end of an epoch, by name.
        schedule: of the learning rate; one of the callbacks.
        callbacks: their logs hold the training's numbers, the validation's with `val_` before their names, and those of `measure`.
        keep: writes a checkpoint of a consistent state; in the middle of an epoch every `keep_every` seconds.
        on_divergence: is called with the number of the step, counted from 0, that gave no finite number, and raises.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after a checkpoint was written.
    """
    with Interruption() as interruption:
        callbacks.on_train_begin()
        if state.schedule:
            schedule.restore(state.schedule)
        state.schedule = schedule.state()
        last_kept = last_logged = time.monotonic()
        try:
            while state.epoch < epochs:
                callbacks.on_epoch_begin(state.epoch)
                logs = {}
                while state.step < steps:
                    callbacks.on_train_batch_begin(state.step)
                    with interruption.deferred():
                        step = tf.constant(state.epoch * steps + state.step, tf.int64)
                        state.totals = train_step(batches, state.totals, step)
                        state.step += 1
                    now = time.monotonic()
                    if now - last_logged > LOG_INTERVAL or state.step == steps:
                        last_logged, logs = now, _read_logs(state, on_divergence)
                    callbacks.on_train_batch_end(state.step - 1, logs)
                    if now - last_kept > keep_every:
                        _read_logs(state, on_divergence)
                        keep(state)
                        last_kept = time.monotonic()
                validated = {f"val_{name}": number for name, number in validate().items()}
                logs = state.logs() | validated | measure() | {"learning_rate": state.schedule["learning_rate"]}
                callbacks.on_epoch_end(state.epoch, logs)
                with interruption.deferred():
                    state.end_epoch(logs)
                    state.schedule = schedule.state()
                    keep(state)
                last_kept = time.monotonic()
        except KeyboardInterrupt:
            if not interruption.aborted_mid_step and state.diverged_at is None:
                with interruption.deferred():
                    keep(state)
            raise
        callbacks.on_train_end()


def _read_logs(state: TrainingState, on_divergence: Callable[[int], None]) -> dict[str, float]:
    if state.diverged_at is not None:
        on_divergence(state.diverged_at)
    return state.logs()
