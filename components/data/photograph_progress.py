"""A progress bar over the photographs that this process prepares."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class PhotographProgress:
    """Counts photographs that are found and that are done, which several threads report, and shows them in a progress bar.

    Attributes:
        expected: how many photographs there are, as far as is known.
        done: how many of them are prepared or rejected.
    """

    def __init__(self) -> None:
        self.expected = self.done = 0
        self._lock = threading.Lock()
        self._bar: Any = None

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Counts from 0, and shows the bar on the standard error as long as the `with` statement lasts, if that is a terminal."""
        from tqdm import tqdm

        self.expected = self.done = 0
        options = {"unit": " photographs", "disable": None, "leave": False, "delay": 1.0, "dynamic_ncols": True}
        with tqdm(desc="Preparing", **options) as self._bar:
            try:
                yield
            finally:
                self._bar = None

    def expect(self, number: int) -> None:
        """Adds photographs that are still to come."""
        with self._lock:
            self.expected += number
            if self._bar is not None:
                self._bar.total = self.expected

    def advance(self, number: int) -> None:
        """Adds photographs that are done."""
        with self._lock:
            self.done += number
            if self._bar is not None:
                self._bar.update(number)


# One for the process: what is sent to workers is pickled, so they can't be handed an object of the caller's.
PROGRESS = PhotographProgress()
