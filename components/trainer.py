"""Trainer: trains a net on prepared examples, with the recipe of the paper."""

import dataclasses
import pathlib

from zfnet.components.artifacts import Examples, Input, Model, Output, Setting, Statistics


def train(
    examples: Input[Examples],
    statistics: Input[Statistics],
    model: Output[Model],
    *,
    architecture: str,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    patience: int,
    seed: int,
    crops: str,
    deterministic: bool,
    mixed_precision: bool | None = None,
    xla: bool | None = None,
    augmentation: str = "paper",
    decay_epochs: int | None = None,
    checkpoints: Setting[str],
    tensorboard: Setting[str],
    keep_every: Setting[float] = 600.0,
    keep_checkpoints: Setting[bool] = False,
) -> None:
    """Trains a net on all GPUs there are or else the CPU, and saves it; with `TF_CONFIG`, on all machines of a cluster.

    Zeiler & Fergus 2013, section 3: ten crops less the mean image, SGD with momentum 0.9, dropout, filters held at a largest RMS,
    a learning rate that falls when the validation error stops falling; small nets learn otherwise (`Architecture.small`). While it
    trains, TensorBoard gets losses, errors, the filters of conv1 and the evolution of features.

    Args:
        examples: prepared examples with the splits `train` and `validation`.
        statistics: their mean image.
        model: gets `model.keras`, `labels.txt`, `recipe.json` with what was chosen, `history.json`, `convergence.json` and `pictures/`.
        architecture: name of a row of the table of architectures, or of a variation of one.
        epochs: how often to go over the training examples; `None` takes as many as make about 600 steps, 10 to 60.
        batch_size: images a step, over all replicas together; `None` takes 64, or an eighth of the training examples if that is less.
        learning_rate: at the start, for batches of 64 where `batch_size` is left open, and in proportion for smaller ones; `None` takes
            the architecture's, in proportion for smaller batches.
        patience: epochs without a lower validation error after which the learning rate is divided by ten, where it falls so.
        seed: decides weights, order, crops and dropout: the same seed gives the same bits on a CPU.
        crops: `"ten"` (the paper's) or `"random"`.
        deterministic: whether TensorFlow may only use operations that give the same bits each time; somewhat slower.
        mixed_precision: whether to compute in bfloat16, with weights in float32; `None` does so where every GPU is fast at it.
        xla: whether to compile a training step with XLA; `None` does so on GPUs, if `deterministic` is not set.
        augmentation: `"paper"`, crops alone, or `"strong"`, sizes and colours too, in the epochs of a high rate.
        decay_epochs: epochs over which the learning rate falls, where it falls along a cosine; `None` takes as many as `epochs` is if that
            is left open.
        checkpoints: directory of this training's checkpoints; more `epochs` go on from the last one there.
        tensorboard: directory of this training's summaries.
        keep_every: seconds between two checkpoints in the middle of an epoch; there is one at the end of each.
        keep_checkpoints: whether to keep those of all epochs that the figure of evolution shows, not the last two and the best alone.

    Raises:
        ValueError: if a parameter is out of its range, the net can't be built for these images, or the training diverges.
        OSError: if something can't be written, or machines of a cluster are lost time after time.
    """
    from zfnet.components.storage.files import is_remote
    from zfnet.components.training.cluster_task import read_task
    from zfnet.components.training.recipe import Recipe

    recipe = Recipe(
        architecture,
        epochs,
        batch_size,
        learning_rate,
        patience,
        seed,
        crops,
        deterministic,
        mixed_precision,
        xla,
        augmentation,
        decay_epochs,
    )
    task = read_task()
    if task and task.workers > 1:
        from zfnet.components.training.cluster.lead import lead
        from zfnet.components.training.cluster.member import Call

        paths = {
            "examples": str(examples.path),
            "statistics": str(statistics.path),
            "model": str(model.path),
            "checkpoints": checkpoints,
            "tensorboard": tensorboard,
        }
        if remote := [path for path in paths.values() if is_remote(path)]:
            raise ValueError(
                f"{remote[0]} is in a remote storage; a cluster needs directories that all its machines see: give a --root in one."
            )
        absolute = {name: str(pathlib.Path(path).absolute()) for name, path in paths.items()}
        lead(Call(recipe=dataclasses.asdict(recipe), keep_every=keep_every, keep_checkpoints=keep_checkpoints, **absolute))
        return
    from zfnet.components.storage.local_copy import local_copy, staged_output, synced_directory
    from zfnet.components.training.checkpoints import STATE, Checkpoints
    from zfnet.components.training.fit import fit

    with staged_output(model) as written, synced_directory(checkpoints, last=STATE) as folder, synced_directory(tensorboard) as logs:
        kept = Checkpoints(pathlib.Path(folder), checkpoints)
        fit(recipe, local_copy(examples), statistics, written, kept, logs, keep_every, keep_checkpoints)
