"""The paper's learning rate: lowered when the validation error stops falling."""

from typing import Any

import keras

COUNTERS = ("best", "wait", "cooldown_counter")
SMALLEST_LEARNING_RATE = 1e-5


class PlateauSchedule(keras.callbacks.ReduceLROnPlateau):
    """Divides the learning rate by ten when the validation top-1 error has not fallen for some epochs.

    Zeiler & Fergus 2013, section 3: "anneal the learning rate throughout training manually when the validation error plateaus". Reading:
    by ten, down to 1e-5; the paper does not state the factor.

    Args:
        patience: epochs without a lower validation error after which the rate falls.
    """

    def __init__(self, patience: int) -> None:
        super().__init__(monitor="val_top1_error", mode="min", factor=0.1, patience=patience, min_delta=0, min_lr=SMALLEST_LEARNING_RATE)

    def state(self) -> dict[str, Any]:
        """The learning rate, and the counters by which it falls."""
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        return {"learning_rate": rate, **{name: getattr(self, name) for name in COUNTERS}}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what `state` gave; to be called when the training has begun, since that resets the counters."""
        self.model.optimizer.learning_rate = state["learning_rate"]
        for name in COUNTERS:
            setattr(self, name, state[name])
