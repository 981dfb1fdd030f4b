"""Trainer: trains a net on prepared examples, with the recipe of the paper."""

import dataclasses
import pathlib
from typing import Any

from zfnet.components.artifacts import Examples, Input, Model, Output, Setting, Statistics
from zfnet.components.storage.files import is_remote
from zfnet.components.storage.local_copy import local_copy, staged_output, synced_directory
from zfnet.components.training.cluster import Call, lead
from zfnet.components.training.cluster_task import read_task
from zfnet.components.training.recipe import Recipe, takes_recipe


@takes_recipe
def train(
    examples: Input[Examples],
    statistics: Input[Statistics],
    model: Output[Model],
    *,
    checkpoints: Setting[str],
    tensorboard: Setting[str],
    keep_every: Setting[float] = 600.0,
    keep_checkpoints: Setting[bool] = False,
    start: Setting[str | None] = None,
    start_digest: str | None = None,
    **choices: Any,
) -> None:
    """Trains a net on all GPUs there are or else the CPU, and saves it; with `TF_CONFIG`, on all machines of a cluster.

    Zeiler & Fergus 2013, section 3: ten crops less the mean image, SGD with momentum 0.9, dropout, filters held at a largest RMS,
    a learning rate that falls when the validation error stops falling; the small nets' recipe is another (`Architecture.small`). While it
    trains, TensorBoard gets losses, errors, the filters of conv1 and the evolution of features.

    Args:
        examples: prepared examples with the splits `train` and `validation`.
        statistics: their mean image.
        model: gets `model.keras`, `labels.txt`, `recipe.json` with all choices, `history.json`, `convergence.json` and `pictures/`; with a
            start `start.keras` too, the net before its first step.
        checkpoints: directory of this training's checkpoints; more `epochs` continue from the last one.
        tensorboard: directory of this training's summaries.
        keep_every: seconds between two checkpoints in the middle of an epoch; there is one at the end of each.
        keep_checkpoints: whether to keep those of all epochs that the figure of evolution shows, not the last two and the best alone.
        start: the trained network whose weights the training starts from, where names and shapes of layers agree: a `.keras` or HDF5 file
            or a net by name.
        start_digest: its hex SHA-256, see `start.start_digest`, so that another start is another training.
        **choices: fields of a `Recipe`.

    Raises:
        ValueError: if a choice is out of its range, the net can't be built for these images, no layer of the start fits, or the training
            diverges.
        OSError: if something can't be written, or machines of a cluster are lost time after time.
    """
    recipe = Recipe(**choices)
    task = read_task()
    if task and task.workers > 1:
        paths = {"examples": examples.path, "statistics": statistics.path, "model": model.path}
        paths |= {"checkpoints": checkpoints, "tensorboard": tensorboard}
        if remote := [path for path in map(str, paths.values()) if is_remote(path)]:
            raise ValueError(
                f"{remote[0]} is in a remote storage; a cluster needs directories that all its machines see: give a --root in one."
            )
        absolute = {name: str(pathlib.Path(path).absolute()) for name, path in paths.items()}
        call = Call(
            recipe=dataclasses.asdict(recipe),
            keep_every=keep_every,
            keep_checkpoints=keep_checkpoints,
            start=start,
            start_digest=start_digest,
            **absolute,
        )
        lead(call)
        return
    from zfnet.components.data.damage import named_damage
    from zfnet.components.training.checkpoints import STATE, Checkpoints
    from zfnet.components.training.fit import fit

    with staged_output(model) as written, synced_directory(checkpoints, last=STATE) as folder, synced_directory(tensorboard) as logs:
        kept, read = Checkpoints(pathlib.Path(folder), checkpoints), local_copy(examples)
        with named_damage(read):
            fit(recipe, read, statistics, written, kept, logs, keep_every, keep_checkpoints, start, start_digest)
