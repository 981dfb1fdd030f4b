"""The loop over epochs and steps, under any strategy, with interruption between steps."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import keras
import tensorflow as tf

from zfnet.components.training.callbacks.schedule import CosineSchedule, PlateauSchedule
from zfnet.components.training.training_state import TrainingState

# Seconds between looks at the numbers, for which GPUs have to be waited for.
LOOK = 1.0


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
    """Trains until `epochs` epochs are done, from wherever `state` stands.

    Keras' own `fit` fails under MultiWorkerMirroredStrategy, and can't stop or go on in the middle of an epoch; this does, and calls Keras'
    callbacks as `fit` would.

    Args:
        state: where the training stands; it is changed along the way.
        train_step: see `make_train_step`.
        batches: iterator over what is still to be trained on.
        validate: measures losses and errors of the validation examples, by name.
        epochs: number of the epoch to stop after.
        steps: steps an epoch.
        measure: measures what the net's weights have become at the end of an epoch, by name.
        schedule: of the learning rate; one of the callbacks.
        callbacks: Keras' callbacks, whose logs hold the training's numbers, the validation's with `val_` before their names, and what
            `measure` gives.
        keep: writes a checkpoint of a state that is consistent.
        keep_every: seconds between two checkpoints in the middle of an epoch.
        on_divergence: is called with the number of the step, counted from 0, that gave no finite number, and raises.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after a checkpoint was written.
    """
    with Interruption() as interruption:
        callbacks.on_train_begin()
        if state.schedule:
            schedule.restore(state.schedule)
        state.schedule = schedule.state()
        kept = looked = time.monotonic()
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
                    if now - looked > LOOK or state.step == steps:
                        looked, logs = now, _look(state, on_divergence)
                    callbacks.on_train_batch_end(state.step - 1, logs)
                    if now - kept > keep_every:
                        _look(state, on_divergence)
                        keep(state)
                        kept = time.monotonic()
                validated = {f"val_{name}": number for name, number in validate().items()}
                logs = state.logs() | validated | measure() | {"learning_rate": state.schedule["learning_rate"]}
                callbacks.on_epoch_end(state.epoch, logs)
                with interruption.deferred():
                    state.end_epoch(logs)
                    state.schedule = schedule.state()
                    keep(state)
                kept = time.monotonic()
        except KeyboardInterrupt:
            if not interruption.aborted_mid_step and state.diverged_at is None:
                with interruption.deferred():
                    keep(state)
            raise
        callbacks.on_train_end()


def _look(state: TrainingState, on_divergence: Callable[[int], None]) -> dict[str, float]:
    if state.diverged_at is not None:
        on_divergence(state.diverged_at)
    return state.logs()


class Interruption:
    """Holds an interruption back while a step is under way, after which weights and counters belong together again.

    To be used in a `with` statement; covers SIGINT and SIGTERM. Only the main thread of a process can do so, in others nothing is held.

    Attributes:
        aborted_mid_step: whether a step was left in the middle after all, because a second interruption came.

    Examples:
        >>> with Interruption() as interruption:
        ...     while True:
        ...         with interruption.deferred():
        ...             step()  # never left in the middle
    """

    def __init__(self) -> None:
        self._deferring = self._requested = self.aborted_mid_step = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Puts an interruption off to the end of the `with` statement; a second one is not put off.

        Raises:
            KeyboardInterrupt: at the end, if one came.
        """
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False
        if self._requested:
            self._requested = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._deferring or self._requested:
            self.aborted_mid_step |= self._deferring
            raise KeyboardInterrupt
        self._requested = True
