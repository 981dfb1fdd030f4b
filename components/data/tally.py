"""How many photographs the workers of this process have been through, for whoever waits to look at."""

import threading


class Tally:
    """Counts that several threads add to.

    Attributes:
        expected: how many photographs there are, as far as is known.
        done: how many of them are prepared or rejected.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Begins anew."""
        self.expected = self.done = 0

    def expect(self, number: int) -> None:
        """Adds photographs that are still to come."""
        with self._lock:
            self.expected += number

    def advance(self, number: int) -> None:
        """Adds photographs that are done."""
        with self._lock:
            self.done += number


# One for the process: what is sent to workers is pickled, so they cannot be handed an object of the caller's.
TALLY = Tally()
