"""The process that trains as a member of a cluster: `python -m zfnet.components.training.cluster.member CALL FAILURE`.

It has a process of its own, since TensorFlow joins a cluster before anything else or not at all, and cannot join again once another
machine was lost. Exit codes: 0 trained, `FAILED` with the reason in the file FAILURE, `LOST` if it is worth to join again, and
`INTERRUPTED`.
"""

import ctypes
import dataclasses
import json
import os
import pathlib
import signal
import sys

FAILED, LOST, INTERRUPTED = 3, 75, 130


@dataclasses.dataclass(frozen=True)
class Call:
    """What all members of a cluster are to train.

    Args:
        recipe: fields of the recipe.
        examples: directory of the prepared examples, the same on all machines, like the others.
        statistics: directory of their mean image.
        model: directory that gets the model.
        checkpoints: directory of the training's checkpoints.
        tensorboard: directory of the training's summaries.
        keep_every: seconds between two checkpoints in the middle of an epoch.
        keep_checkpoints: whether to keep those of all epochs at which evolution looks.
    """

    recipe: dict
    examples: str
    statistics: str
    model: str
    checkpoints: str
    tensorboard: str
    keep_every: float
    keep_checkpoints: bool = False


def main(call_file: str, failure_file: str) -> int:
    """Trains; returns the exit code."""
    _end_with_parent()
    try:
        call = Call(**json.loads(pathlib.Path(call_file).read_text()))
    except FileNotFoundError:  # The chief calls for something else by now.
        return LOST
    import tensorflow as tf

    from zfnet.components.artifacts import Examples, Model, Statistics
    from zfnet.components.training.checkpoints import Checkpoints
    from zfnet.components.training.devices import ClusterChangedError
    from zfnet.components.training.fit import fit
    from zfnet.components.training.recipe import Recipe

    # What TensorFlow raises when it does not hear of another machine any more.
    errors = tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError, tf.errors.CancelledError
    try:
        examples, statistics, model = Examples(call.examples), Statistics(call.statistics), Model(call.model)
        kept = Checkpoints(pathlib.Path(call.checkpoints))
        fit(Recipe(**call.recipe), examples, statistics, model, kept, call.tensorboard, call.keep_every, call.keep_checkpoints)
    except (*errors, ClusterChangedError):
        return LOST
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        known = isinstance(error, ValueError | OSError)
        pathlib.Path(failure_file).write_text(str(error) if known else f"{type(error).__name__}: {error}")
        return FAILED
    return 0


def _end_with_parent() -> None:
    """Lets the kernel end this process when its parent has ended, on Linux.

    A thread could not: while TensorFlow waits for other machines, no other thread of Python runs.
    """
    if sys.platform == "linux":
        prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
        prctl(set_parent_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    # Not sys.exit, which would wait for threads of TensorFlow that wait for machines that are gone.
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
