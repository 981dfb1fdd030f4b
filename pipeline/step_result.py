"""What became of a step in a run."""

from dataclasses import dataclass

from zfnet.components.artifacts import Artifact


@dataclass(frozen=True)
class StepResult:
    """What became of a step in a run.

    Args:
        outputs: its artifacts by name; empty if it failed.
        seconds: how long it took now, next to nothing if it was found unchanged.
        cached: whether an earlier execution was found that needn't be redone.
        error: why it failed, or None.
        took: how long it took whenever that was, together with attempts right before it that failed or were interrupted; None if it failed.
    """

    outputs: dict[str, Artifact]
    seconds: float
    cached: bool
    error: str | None = None
    took: float | None = None
