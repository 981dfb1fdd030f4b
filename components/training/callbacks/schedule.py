"""Schedules of the learning rate: it falls when the validation error stops falling, as in the paper, or along a cosine."""

from typing import Any

import keras

COUNTERS = ("best", "wait", "cooldown_counter")
SMALLEST_LEARNING_RATE = 1e-5
# Share of the first learning rate at which the cosine ends; the rate stays there.
LAST_SHARE = 0.02


class PlateauSchedule(keras.callbacks.ReduceLROnPlateau):
    """Divides the learning rate by ten when the validation top-1 error has not fallen for `patience` epochs.

    Zeiler & Fergus 2013, section 3: "anneal the learning rate throughout training manually when the validation error plateaus". Reading:
    by ten, down to 1e-5; the paper does not state the factor.
    """

    def __init__(self, patience: int) -> None:
        super().__init__(monitor="val_top1_error", mode="min", factor=0.1, patience=patience, min_delta=0, min_lr=SMALLEST_LEARNING_RATE)

    def state(self) -> dict[str, Any]:
        """The learning rate, and the counters by which it falls."""
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        return {"learning_rate": rate, **{name: getattr(self, name) for name in COUNTERS}}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores the values of `state`; to be called when the training has begun, since that resets the counters."""
        self.model.optimizer.learning_rate = state["learning_rate"]
        for name in COUNTERS:
            setattr(self, name, state[name])


class CosineSchedule(keras.callbacks.Callback):
    """Lets the learning rate fall along half a cosine, step by step, to a fiftieth, and stay there.

    Loshchilov & Hutter 2017 (arXiv 1608.03983), without restarts. A training of minutes has no time for plateaus, and the noise of a high
    rate would stay in its filters. The rate begins at `learning_rate`, falls for `steps` steps, and follows from the optimizer's count of
    steps alone: the optimizer takes the attribute `rate`.
    """

    def __init__(self, learning_rate: float, steps: int) -> None:
        super().__init__()
        self.rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=LAST_SHARE)

    def state(self) -> dict[str, Any]:
        """The learning rate of the next step."""
        return {"learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))}

    def restore(self, state: dict[str, Any]) -> None:
        """Does nothing: the optimizer's count of steps is restored with its variables."""
