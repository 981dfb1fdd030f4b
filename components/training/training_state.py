"""State of a training besides its weights: everything needed to go on with the same bits."""

import dataclasses
import math
from typing import Any, NamedTuple

import tensorflow as tf

SUMS = ("loss", "top1_error", "top5_error", "examples")
NEVER = -1


class Totals(NamedTuple):
    """Numbers of the steps of an epoch so far, on the devices until somebody reads them.

    Args:
        sums: float64 `(4,)`, in the order of `SUMS`.
        diverged_at: int64, the first step, counted from the beginning of the training, with loss, gradients or weights that were no
            finite numbers; `NEVER` if there is none.
    """

    sums: tf.Tensor
    diverged_at: tf.Tensor


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
    totals: Totals = dataclasses.field(default_factory=lambda: no_totals())
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
        return None if step == NEVER else step

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


def no_totals() -> Totals:
    """The totals before the first step of an epoch."""
    return Totals(tf.zeros(len(SUMS), tf.float64), tf.constant(NEVER, tf.int64))


def means(sums: tf.Tensor) -> dict[str, float]:
    """Means by name, from the sums of loss, errors and examples; NaN if there was no example."""
    *values, examples = (float(value) for value in sums)
    return {name: value / examples if examples else math.nan for name, value in zip(SUMS[:-1], values, strict=True)}
