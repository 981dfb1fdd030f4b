"""Checkpoints of a training: everything needed to go on after any step with the same bits.

Not `tf.train.Checkpoint`: it stores a variable under its layer's number in the net, and the saved model, into which `KeptCheckpoint` loads
weights, has one layer more. Several workers would all have to call it, but here the chief alone writes; and its manager keeps the last
checkpoints, not the best one or those of some epochs. Not Keras' `save_weights`: HDF5 crashes the process when the disk is full.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Container, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.training.train_step import Totals, means, no_totals

# The one before the last is there in case the last can't be read.
KEPT = 2
VARIABLES, STATE = "variables.npz", "state.json"


@dataclasses.dataclass
class TrainingState:
    """State of a training.

    Args:
        epoch: epochs that are done, with their validation and callbacks.
        step: steps of the next epoch that are done.
        totals: over these steps.
        history: losses and errors of each epoch that is done, and measurements of the weights, by name.
        schedule: the learning rate and the counters by which it falls, as of the last epoch that is done.
        batch_size: images a step, over all replicas; another number of replicas may change it, and then steps are others.
    """

    epoch: int = 0
    step: int = 0
    totals: Totals = dataclasses.field(default_factory=no_totals)
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    schedule: dict[str, Any] = dataclasses.field(default_factory=dict)
    batch_size: int | None = None

    def logs(self) -> dict[str, float]:
        """Mean loss in nats, and errors as fractions 0..1, of the steps of this epoch."""
        return means(self.totals.sums)

    @property
    def diverged_at(self) -> int | None:
        """The step, counted from the beginning of the training, that gave no finite number; None if there is none."""
        step = int(self.totals.diverged_at)
        return step if step >= 0 else None

    def end_epoch(self, logs: dict[str, float]) -> None:
        """Goes on to the next epoch, and enters the numbers of this one into the history."""
        self.history.append({name: float(number) for name, number in logs.items()})
        self.epoch, self.step, self.totals = self.epoch + 1, 0, no_totals()

    def to_json(self) -> dict[str, Any]:
        """The state as JSON can hold it; the totals are one list, with `diverged_at` last."""
        return {**vars(self), "totals": [*self.totals.sums.numpy().tolist(), float(self.totals.diverged_at)]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainingState":
        """The state that `to_json` gave."""
        *sums, diverged_at = values["totals"]
        return cls(**values | {"totals": Totals(tf.constant(sums, tf.float64), tf.constant(int(diverged_at), tf.int64))})


class Checkpoints:
    """Keeps the last few checkpoints of a training, and the one with the lowest validation error.

    A checkpoint is a directory `epoch-NNNN`, or `epoch-NNNN-step-NNNNNN` in the middle of an epoch, with `variables.npz` (weights and
    optimizer) and `state.json` (the rest, and the SHA-256 of the first). It is written beside and renamed, so that none is ever half.
    `folder` has those of one training alone; if it only mirrors a directory, messages use the name of that, `called`.
    """

    def __init__(self, folder: pathlib.Path, called: str | None = None) -> None:
        self.folder, self.called = folder, called or str(folder)

    def keep(self, net: keras.Model, state: TrainingState, keep_epochs: Container[int] = ()) -> None:
        """Writes a checkpoint, and removes those no longer needed, except for those of the epochs `keep_epochs`, counted from 1.

        Raises:
            OSError: if it can't be written; earlier checkpoints are left as they are.
        """
        target = self.folder / (f"epoch-{state.epoch:04d}" + (f"-step-{state.step:06d}" if state.step else ""))
        beside = target.with_suffix(".partial")
        try:
            _remove(beside)
            beside.mkdir(parents=True)
            with (beside / VARIABLES).open("wb") as file:
                np.savez(file, *(keras.ops.convert_to_numpy(variable) for variable in _variables(net)))
            (beside / STATE).write_text(json.dumps(state.to_json() | {"sha256": digest(beside / VARIABLES)}, indent=1))
            for path in beside.iterdir():
                _flush(path)
            _remove(target)
            beside.rename(target)
        except OSError as error:
            _remove(beside)
            last = self.written()
            raise OSError(
                f"No checkpoint could be written to {self.called} ({error.strerror or error}). "
                + (f"The last one is {last[-1].name}; the same command continues from it." if last else "")
            ) from error
        self._remove_old(state, keep_epochs)

    def _remove_old(self, state: TrainingState, keep_epochs: Container[int]) -> None:
        # Checkpoints of later epochs, which a longer training left, stay.
        past = [path for path in self.written() if _place(path) <= (state.epoch, state.step)]
        whole = [path for path in past if not _place(path)[1]]
        errors = [epoch["val_top1_error"] for epoch in state.history if "val_top1_error" in epoch]
        best = errors.index(min(errors)) + 1 if errors else 0
        needed = {*past[-KEPT:], *whole[-KEPT:], *(path for path in whole if _place(path)[0] == best or _place(path)[0] in keep_epochs)}
        for path in past:
            if path not in needed:
                _remove(path)

    def clean(self) -> None:
        """Removes the partial files of writers that were killed. To be called when nobody writes."""
        for path in list(self.folder.rglob("*.partial")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def restore(self, net: keras.Model, epochs: int, batch_size: int | None = None) -> TrainingState:
        """Puts a compiled net into the state of the last whole checkpoint, and returns the training's state.

        Checkpoints after `epochs` epochs are ignored, and those in the middle of an epoch with another `batch_size`, in images a step.
        Without a checkpoint, the state is that of the beginning.

        Raises:
            ValueError: if there are checkpoints and none can be read.
        """
        usable = [path for path in self.written() if _place(path) <= (epochs, 0)]
        net.optimizer.build(net.trainable_variables)
        for path in reversed(usable):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # cut short; the one before is tried
                values = json.loads((path / STATE).read_text())
                if values.pop("sha256") == digest(path / VARIABLES):
                    state = TrainingState.from_json(values)
                    if state.step and state.batch_size != batch_size:
                        continue
                    read_variables(path / VARIABLES, _variables(net))
                    return dataclasses.replace(state, batch_size=batch_size)
        if any(not _place(path)[1] for path in usable):
            raise ValueError(f"No checkpoint in {self.called} can be read. Remove that directory to train from the beginning.")
        return TrainingState(batch_size=batch_size)

    def written(self) -> list[pathlib.Path]:
        """The checkpoints that have both their files, in order."""
        found = (path for path in self.folder.glob("epoch-*") if not path.suffix)
        return sorted((path for path in found if all((path / name).exists() for name in (VARIABLES, STATE))), key=_place)


def _variables(net: keras.Model) -> list[keras.Variable]:
    """The variables that training changes, in the same order in every process. Dropout's seeds follow from the step."""
    return net.weights + net.optimizer.variables


def read_variables(file: pathlib.Path, variables: Sequence[keras.Variable]) -> None:
    """Sets variables, in the order in which they were written, to the first values of `variables.npz`: weights, or the optimizer's too.

    Raises:
        ValueError: they are of another net; then none is set.
        KeyError: the file holds fewer.
    """
    with np.load(file, allow_pickle=False) as arrays:
        # All before the first is set, so that a checkpoint of another net leaves this one as it is.
        values = [arrays[f"arr_{place}"] for place in range(len(variables))]
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise ValueError(f"{file.name} holds the variables of another net.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _place(path: pathlib.Path) -> tuple[int, int]:
    epoch, _, step = path.name.removeprefix("epoch-").partition("-step-")
    return int(epoch), int(step or 0)


def _remove(directory: pathlib.Path) -> None:
    """Removes a checkpoint; a process that is killed meanwhile leaves none that looks whole."""
    if directory.exists():
        leaving = directory if directory.suffix else directory.rename(directory.with_suffix(".leaving.partial"))
        shutil.rmtree(leaving)


def digest(path: pathlib.Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: pathlib.Path) -> None:
    """Waits until the disk has a file, so that a power cut after the renaming finds it whole."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
