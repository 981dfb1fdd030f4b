"""Interruption of a training between steps: Ctrl-C, or a process that is asked to end."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any


class Interruption:
    """Defers SIGINT and SIGTERM to the end of a step, when weights and counters are consistent; for a `with` statement.

    Only the main thread of a process can do so; in others nothing is deferred. `aborted_mid_step` tells whether a second interruption
    ended a step in the middle.

    Examples:
        >>> done = []
        >>> with Interruption() as interruption:
        ...     for step in range(3):
        ...         with interruption.deferred():
        ...             done.append(step)  # never left in the middle
        >>> done
        [0, 1, 2]
    """

    def __init__(self) -> None:
        self._deferring = self._requested = self.aborted_mid_step = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Defers an interruption to the end of the `with` statement, which then raises KeyboardInterrupt; a second one is not deferred."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False
        if self._requested:
            self._requested = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._deferring or self._requested:
            self.aborted_mid_step |= self._deferring
            raise KeyboardInterrupt
        self._requested = True
