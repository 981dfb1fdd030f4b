"""A progress bar over the photographs that this process prepares."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class PhotographProgress:
    """Counts photographs, which several threads report, and shows them in a progress bar.

    `expected` is the number of photographs, as far as is known, and `done` is the number of those that are prepared or rejected.
    """

    def __init__(self) -> None:
        self.expected = self.done = 0
        self._lock = threading.Lock()
        self._bar: Any = None

    @contextlib.contextmanager
    def shown(self, title: str = "Preparing") -> Iterator[None]:
        """Counts from 0, and shows the bar under a title during the `with` statement on the standard error, if that is a terminal."""
        from tqdm import tqdm

        self.expected = self.done = 0
        options = {"unit": " photographs", "disable": None, "leave": False, "delay": 1.0, "dynamic_ncols": True}
        with tqdm(desc=title, **options) as self._bar:
            try:
                yield
            finally:
                self._bar = None

    def expect(self, number: int) -> None:
        """Adds photographs that were found."""
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


# One for the process: functions are pickled for the workers, so that they can't share an object with the caller.
PROGRESS = PhotographProgress()
