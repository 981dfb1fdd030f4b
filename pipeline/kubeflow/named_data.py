"""DATA by its name alone, where a pipeline is declared on another machine than the one that reads the photographs."""

import pathlib

from zfnet.components.data.prepared_source import PreparedSource
from zfnet.components.data.source import Source, open_source


class NamedData:
    """Stands for the photographs in a declared pipeline until a task opens them.

    Args:
        data: the DATA argument, as the tasks understand it.
    """

    def __init__(self, data: str) -> None:
        self.data = data

    def __str__(self) -> str:
        return self.data

    def fingerprint(self) -> str:
        """Not known: only the task that reads the photographs can tell when they change."""
        raise ValueError(f"DATA {self.data} was not opened here, so nothing is known of its photographs but the name.")

    def open(self, root: pathlib.Path) -> Source | PreparedSource:
        """The photographs.

        Args:
            root: directory of the runs, for what TFDS prepares.
        """
        return open_source(self.data, root / "tfds")
