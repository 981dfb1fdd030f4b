"""What is told of a training that has gone astray."""

import textwrap

from zfnet.components.artifacts import Examples
from zfnet.components.data.training_batches import training_ids
from zfnet.components.training.checkpoints import Checkpoints
from zfnet.components.training.recipe import Recipe

NAMED = 200  # characters


def report_divergence(examples: Examples, recipe: Recipe, checkpoints: Checkpoints, step: int, *, steps: int, batch_size: int) -> None:
    """Raises an error that names the step, its examples and the last good checkpoint.

    Args:
        examples: what is trained on.
        recipe: how.
        checkpoints: of this training.
        step: number of the first step whose loss, gradients or weights were no finite numbers, counted from 0 over all epochs.
        steps: steps an epoch.
        batch_size: images a step.

    Raises:
        ValueError: always.
    """
    epoch, step_of_epoch = divmod(step, steps)
    ids = training_ids(examples, batch_size=batch_size, seed=recipe.seed, epoch=epoch, step=step_of_epoch)
    good = checkpoints.written()
    raise ValueError(
        f"The training diverged at step {step + 1} (epoch {epoch + 1}, step {step_of_epoch + 1} of {steps}): loss, gradients or weights "
        f"are no finite numbers. The {len(ids)} examples of its batch: {textwrap.shorten(', '.join(ids), NAMED, placeholder=' ...')}. "
        + (f"The last good checkpoint is {good[-1].name} in {checkpoints.called}. " if good else "There is no checkpoint before it. ")
        + "A lower learning rate may help."
    )
