"""Checkpoints that a training kept, found again and loaded into its model."""

import dataclasses
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence

import keras
from etils import epath

from zfnet.components.artifacts import Artifact
from zfnet.components.figures.evolution.column import epoch_title
from zfnet.components.storage.local_copy import local_copy
from zfnet.components.training.checkpoints import STATE, VARIABLES, digest, read_variables
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.net.layers import MeanImage


@dataclasses.dataclass(frozen=True)
class KeptCheckpoint:
    """The checkpoint at the end of an epoch, counted from 1.

    `history` holds the losses and errors of all epochs of the training whose checkpoint it should be.
    """

    epoch: int
    folder: epath.Path
    history: Sequence[dict[str, float]] = dataclasses.field(repr=False)

    def load_into(self, model: keras.Model) -> None:
        """Sets the weights of the training's saved model to those of this epoch; its mean image stays.

        Raises:
            ValueError: the checkpoint is damaged, of another training, or of another architecture; the model is left as it is.
        """
        weights = [weight for layer in model.layers if not isinstance(layer, MeanImage) for weight in layer.weights]
        try:
            folder = local_copy(Artifact(self.folder)).path
            state = json.loads((folder / STATE).read_text())
            if state["sha256"] != digest(folder / VARIABLES):
                raise ValueError(f"{VARIABLES} does not have its SHA-256")
            if state["history"] != list(self.history[: self.epoch]):
                raise ValueError("it is of another training")
            read_variables(folder / VARIABLES, weights)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{self.folder.name} of {self.folder.parent.name} can't be read: {error}") from error


def find_checkpoints(root: epath.PathLike, history: Sequence[dict[str, float]]) -> list[KeptCheckpoint]:
    """Finds the checkpoints of the training that ended with a model.

    A training is identified by its history, `history.json` of the model: the losses and errors of all epochs to the last digit, which
    each checkpoint holds too. `root` is the directory of its run.

    Returns:
        Those of epochs before the last, in order, damaged ones too. The model itself is the net after the last epoch.
    """
    folder = epath.Path(root) / "trainer"
    found = [_epochs(each) for each in sorted(folder.iterdir()) if each.name.startswith("checkpoints-")] if folder.exists() else []
    # After a change of code that changed no number there may be two of the same training.
    best = max(found, key=lambda epochs: sum(_belongs(each, history) for each in epochs.values()), default={})
    if not any(_belongs(each, history) for each in best.values()):
        return []
    return [KeptCheckpoint(epoch, each, history) for epoch, each in sorted(best.items()) if epoch < len(history)]


def _epochs(folder: epath.Path) -> dict[int, epath.Path]:
    """Directories `epoch-NNNN`; those in the middle of an epoch, and those that are half, have longer names."""
    numbers = ((each.name.removeprefix("epoch-"), each) for each in folder.iterdir())
    return {int(number): each for number, each in numbers if number.isdecimal()}


def _belongs(checkpoint: epath.Path, history: Sequence[dict[str, float]]) -> bool:
    try:
        found = json.loads((checkpoint / STATE).read_text())["history"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    shared = min(len(found), len(history))
    return shared > 0 and list(found[:shared]) == list(history[:shared])


def moments_of_training(
    deconvnet: Deconvnet, checkpoints: Sequence[KeptCheckpoint], epochs: int, passed_over: Callable[[str], None]
) -> Iterator[tuple[str, Deconvnet]]:
    """Loads one checkpoint after the other into the training's saved model, and in the end the model's own weights.

    Yields the title of each column, and the deconvnet; the last column is after all `epochs` of the training. `passed_over` is called with
    the reason why a checkpoint is left out.
    """
    model = deconvnet.model
    last = model.get_weights()
    try:
        for checkpoint in checkpoints:
            try:
                checkpoint.load_into(model)
            except ValueError as error:
                passed_over(str(error))
                continue
            yield epoch_title(checkpoint.epoch), deconvnet
    finally:
        model.set_weights(last)
    yield epoch_title(epochs), deconvnet
