"""The process that trains as a member of a cluster: `python -m zfnet.components.training.cluster_member CALL FAILURE`.

It has a process of its own, since TensorFlow joins a cluster before anything else or not at all, and cannot join again once another
machine was lost. Exit codes: 0 trained, `FAILED` with the reason in the file FAILURE, `LOST` if it is worth to join again.
"""

import dataclasses
import json
import os
import pathlib
import sys
import threading

from zfnet.components.artifacts import Examples, Model, Statistics

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
    """

    recipe: dict
    examples: str
    statistics: str
    model: str
    checkpoints: str
    tensorboard: str
    keep_every: float


def main(call_file: str, failure_file: str) -> int:
    """Trains; returns the exit code."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import tensorflow as tf

    from zfnet.components.training.cluster import ClusterChangedError
    from zfnet.components.training.fit import fit
    from zfnet.components.training.recipe import Recipe

    try:
        call = Call(**json.loads(pathlib.Path(call_file).read_text()))
        examples, statistics, model = Examples(call.examples), Statistics(call.statistics), Model(call.model)
        fit(Recipe(**call.recipe), examples, statistics, model, call.checkpoints, call.tensorboard, call.keep_every)
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError, ClusterChangedError):
        return LOST
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ValueError, OSError) as error:
        pathlib.Path(failure_file).write_text(str(error))
        return FAILED
    return 0


def _end_with_parent() -> None:
    # The parent holds the other end of standard input; however it ends, this reads its end.
    sys.stdin.buffer.read()
    os._exit(LOST)


if __name__ == "__main__":
    # Not sys.exit, which would wait for threads of TensorFlow that wait for machines that are gone.
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
