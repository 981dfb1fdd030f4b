"""How to train: what a user chooses, and what follows from the number of examples where a choice was left open."""

import dataclasses
import math

from zfnet.model.net.architecture import Architecture
from zfnet.model.net.variation import find_architecture

# Steps that a small net needs to learn something, when the number of epochs is left open.
STEPS = 600
FEWEST_EPOCHS, MOST_EPOCHS = 10, 60
# When the batch is left open: an epoch of a tiny data set still has this many steps.
STEPS_PER_EPOCH = 8
LARGEST_BATCH = 64
CROPS = ("ten", "random")
AUGMENTATIONS = ("paper", "strong")
# Part of the epochs over which a rate falls that have strong augmentation; in the others a net learns images as they are.
STRONG = 0.6


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train; the fields are the parameters of `trainer.train`.

    Raises:
        ValueError: if one is out of its range.
    """

    architecture: str
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    patience: int
    seed: int
    crops: str
    deterministic: bool
    mixed_precision: bool | None = None
    xla: bool | None = None
    augmentation: str = "paper"
    decay_epochs: int | None = None

    def __post_init__(self) -> None:
        find_architecture(self.architecture)
        for name in ("epochs", "batch_size", "learning_rate", "patience", "decay_epochs"):
            number = getattr(self, name)
            if number is not None and number <= 0:
                raise ValueError(f"{name} is {number}; it must be greater than 0.")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must not be negative.")
        if self.xla and self.deterministic:
            raise ValueError(
                "xla is True, and deterministic too: XLA has no max pooling whose gradient has the same bits each time. Turn one off."
            )
        for name, choices in (("crops", CROPS), ("augmentation", AUGMENTATIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of: {', '.join(choices)}.")

    @property
    def row(self) -> Architecture:
        """The architecture, which says how it learns where nothing was chosen."""
        return find_architecture(self.architecture)

    def strong_epochs_for(self, examples: int) -> int:
        """Number of epochs, from the first, with strong augmentation: those of a high rate, or all where the rate falls on plateaus."""
        if self.augmentation == "paper":
            return 0
        return round(STRONG * self.decay_epochs_for(examples)) if self.row.schedule == "cosine" else self.epochs_for(examples)

    def batch_for(self, examples: int) -> int:
        """Images a step, given the number of training examples."""
        return min(self.batch_size, examples) if self.batch_size else max(1, min(LARGEST_BATCH, examples // STEPS_PER_EPOCH))

    def learning_rate_for(self, examples: int) -> float:
        """Learning rate at the start, given the number of training examples.

        A small batch gets a rate that is smaller in proportion, unless both were chosen: with 0.01 and batches of nine images the small
        net diverged.
        """
        if self.learning_rate and self.batch_size:
            return self.learning_rate
        return (self.learning_rate or self.row.learning_rate) * min(1, self.batch_for(examples) / LARGEST_BATCH)

    def epochs_for(self, examples: int) -> int:
        """Number of epochs, given the number of training examples."""
        return self.epochs or self._usual_epochs(examples)

    def decay_epochs_for(self, examples: int) -> int:
        """Number of epochs over which a rate with the schedule `cosine` falls.

        As many as are trained when their number is left open, whatever that number is: so the first epochs of a longer training are those
        of a shorter one, and more of them can go on from it.
        """
        return self.decay_epochs or self._usual_epochs(examples)

    def _usual_epochs(self, examples: int) -> int:
        steps_an_epoch = max(1, examples // self.batch_for(examples))
        return min(max(math.ceil(STEPS / steps_an_epoch), FEWEST_EPOCHS), MOST_EPOCHS)


def divisible_batch_size(batch_size: int, replicas: int) -> int:
    """The largest batch up to `batch_size` of which every replica has the same share, one image at least."""
    return max(replicas, batch_size // replicas * replicas)
