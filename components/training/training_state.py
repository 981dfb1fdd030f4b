"""Where a training stands: everything besides the weights that it takes to go on as if nothing had happened."""

import dataclasses
import math
from typing import Any

import tensorflow as tf

SUMS = ("loss", "top1_error", "top5_error", "examples")


@dataclasses.dataclass
class TrainingState:
    """Where a training stands.

    Args:
        epoch: epochs that are done, with their validation and all that belongs to them.
        step: steps of the next epoch that are done.
        totals: float64 `(5,)`: over these steps, sums of loss, top-1 errors, top-5 errors and examples; and the first step, counted from
            the beginning of the training, of which loss, gradients or weights were no finite numbers, -1 if there is none.
        history: losses and errors of each epoch that is done, and what was measured of the weights, by name.
        schedule: the learning rate and the counters by which it falls, as of the last epoch that is done.
        batch_size: images a step, over all replicas: another number of replicas may change it, and then steps are others.
    """

    epoch: int = 0
    step: int = 0
    totals: tf.Tensor = dataclasses.field(default_factory=lambda: no_totals())
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    schedule: dict[str, Any] = dataclasses.field(default_factory=dict)
    batch_size: int | None = None

    def logs(self) -> dict[str, float]:
        """Mean loss in nats, and errors as fractions 0..1, of the steps of this epoch."""
        return means(self.totals[:-1])

    @property
    def diverged_at(self) -> int | None:
        """The step, counted from the beginning of the training, that gave no finite number; None if all is well."""
        first = int(self.totals[-1])
        return None if first < 0 else first

    def end_epoch(self, logs: dict[str, float]) -> None:
        """Goes on to the next epoch, and enters this one's numbers into the history."""
        self.history.append({name: float(number) for name, number in logs.items()})
        self.epoch, self.step, self.totals = self.epoch + 1, 0, no_totals()

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {**vars(self), "totals": self.totals.numpy().tolist()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainingState":
        """What `to_json` gave."""
        return cls(**values | {"totals": tf.constant(values["totals"], tf.float64)})


def no_totals() -> tf.Tensor:
    """The totals before the first step of an epoch."""
    return tf.constant([0.0] * len(SUMS) + [-1.0], tf.float64)


def means(sums: tf.Tensor) -> dict[str, float]:
    """Means by name, out of the sums of loss, errors and examples; NaN where there was no example."""
    *values, examples = (float(value) for value in sums)
    return {name: value / examples if examples else math.nan for name, value in zip(SUMS[:-1], values, strict=True)}
