"""Checkpoints of a training: what it takes to go on after any epoch as if nothing had happened."""

import contextlib
import json
import pathlib
import shutil

import keras

# The one before the last is there in case the last can't be read.
KEPT = 2


class Checkpoints(keras.callbacks.Callback):
    """After every epoch keeps weights, optimizer, dropout's seeds, the plateau schedule's counters and the history.

    A checkpoint is a directory `epoch-NNNN` with `state.weights.h5` and `state.json`, written beside and renamed.

    Args:
        folder: directory of the checkpoints, of one training alone.
        plateau: the schedule of the learning rate, whose counters are part of the state.
    """

    def __init__(self, folder: pathlib.Path, plateau: keras.callbacks.ReduceLROnPlateau):
        super().__init__()
        self.folder, self.plateau = folder, plateau
        self.history: list[dict[str, float]] = []

    def on_epoch_end(self, epoch, logs=None):
        """Writes a checkpoint and removes those no longer needed."""
        self.history.append({name: float(number) for name, number in logs.items()})
        counters = {name: getattr(self.plateau, name) for name in PLATEAU_COUNTERS}
        target = self.folder / f"epoch-{epoch + 1:04d}"
        beside = target.with_suffix(".partial")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        self.model.save_weights(beside / "state.weights.h5")
        state = {"history": self.history, "plateau": counters, "seeds": [seed.numpy().tolist() for seed in _seeds(self.model)]}
        (beside / "state.json").write_text(json.dumps(state, indent=1))
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)
        for old in [path for path in self.written() if _epoch_of(path) <= epoch + 1][:-KEPT]:
            shutil.rmtree(old)

    def restore(self, model: keras.Model, epochs: int) -> int:
        """Puts a compiled model and the schedule into the state of the last checkpoint.

        Args:
            model: the model, built and compiled.
            epochs: checkpoints of later epochs are passed over.

        Returns:
            Number of epochs already done; 0 if there is no checkpoint.

        Raises:
            ValueError: if there are checkpoints and none can be read.
        """
        usable = [path for path in self.written() if _epoch_of(path) <= epochs]
        model.optimizer.build(model.trainable_variables)
        for path in reversed(usable):
            with contextlib.suppress(OSError, ValueError, KeyError):  # cut short; the one before is tried
                self._read(path, model)
                return _epoch_of(path)
        if usable:
            raise ValueError(f"No checkpoint in {self.folder} can be read. Remove that directory to train from the beginning.")
        return 0

    def _read(self, path: pathlib.Path, model: keras.Model) -> None:
        state = json.loads((path / "state.json").read_text())
        model.load_weights(path / "state.weights.h5")
        for variable, seed in zip(_seeds(model), state["seeds"], strict=True):
            variable.assign(seed)
        self.history = state["history"]
        self.restored_counters = state["plateau"]

    def on_train_begin(self, logs=None):
        """Sets the schedule's counters, which Keras resets when training begins."""
        for name, number in getattr(self, "restored_counters", {}).items():
            setattr(self.plateau, name, number)

    def written(self) -> list[pathlib.Path]:
        """The checkpoints there are, in order."""
        return sorted(path for path in self.folder.glob("epoch-*") if path.is_dir() and not path.suffix)


PLATEAU_COUNTERS = ("best", "wait", "cooldown_counter")


def _seeds(model: keras.Model):
    """States of the random generators (dropout's), which Keras does not save with the weights."""
    return [variable for variable in model.variables if "seed_generator_state" in variable.path]


def _epoch_of(path: pathlib.Path) -> int:
    return int(path.name.removeprefix("epoch-"))
