"""The epochs after which features are looked at, and those that a figure shows."""

import operator
from collections.abc import Iterable

from zfnet.components.figures.evolution.column import evolution_epochs, watched_epochs
from zfnet.components.training.callbacks.look_budget import LookBudget

# Columns of a figure that is not too wide.
COLUMNS = 10


class LookSchedule:
    """Decides after which epochs, counted from 1, features are looked at.

    Args:
        named: epochs to look at, whatever the looks cost. None takes `watched_epochs`; if the budget can't afford a look between the first
            and the last, the look comes later, as soon as the budget can.
        budget: of the looks.

    Attributes:
        total: number of epochs of the training.
    """

    def __init__(self, named: set[int] | None, budget: LookBudget) -> None:
        self._named, self.budget, self.total = named, budget, 0
        # Whether a look was left out since the last one, and whether this epoch makes up for it.
        self._owed = self._is_late = False

    @property
    def epochs(self) -> set[int]:
        """Epochs to look at, if the budget can afford them."""
        return watched_epochs(self.total) if self._named is None else self._named

    def is_due(self, epoch: int, is_last: bool = False) -> bool:
        """Whether to look after this epoch; `is_last` if the training is stopped after it."""
        if self._named is not None:
            return epoch in self._named
        if is_last or epoch == self.total:
            return True
        due = self._owed or epoch in self.epochs
        self._is_late, self._owed = self._owed, due and not self.budget.affords()
        return due and not self._owed

    def is_shown(self, epoch: int) -> bool:
        """Whether a figure shows this epoch, if features are looked at: all if there are few, else those of the paper or the next ones."""
        if self._is_late or len(self.epochs) < COLUMNS:
            return True
        return epoch in {
            min((each for each in self.epochs if each >= one), default=max(self.epochs)) for one in evolution_epochs(self.total)
        }


def epoch_numbers(epochs: Iterable[int]) -> set[int]:
    """Reads the numbers of epochs that a user named; a ValueError for anything else, such as a single number.

    Examples:
        >>> sorted(epoch_numbers(range(1, 4)))
        [1, 2, 3]
    """
    try:
        found = {operator.index(epoch) for epoch in epochs}
    except TypeError:
        found = set()
    if min(found, default=-1) < 0:
        raise ValueError(f"epochs is {epochs!r}; expected numbers of epochs, such as range(1, 11) or [1, 5, 20].")
    return found
