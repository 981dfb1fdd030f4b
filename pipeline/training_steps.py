"""The steps that make a trained network with known errors, and where a training keeps what it writes on the way."""

import functools
from collections.abc import Callable

from etils import epath

from zfnet.components.artifacts import Evaluation
from zfnet.components.evaluator import evaluate
from zfnet.components.trainer import train
from zfnet.model.net.variation import plain_name
from zfnet.pipeline.baseline import pushed_last
from zfnet.pipeline.execution_plan import ExecutionPlan
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.step import OutputOf, Step


def training_steps(
    config: RunConfig,
    root: epath.Path,
    examples: OutputOf,
    statistics: OutputOf,
    metadata_url: str | None = None,
    baseline: Callable[[epath.Path, str, str], Evaluation | None] | None = None,
) -> tuple[Step, Step]:
    """Declares Trainer and Evaluator; nothing is run.

    Args:
        config: what the user chose.
        root: where checkpoints and TensorBoard's logs go, and where earlier runs are looked up.
        examples: what to train and evaluate on.
        statistics: their mean image and counts.
        metadata_url: the database that earlier runs are recorded in, see `open_metadata`; None for the root's own.
        baseline: finds what a model is compared with, from the root and the digests of the examples and of the model; None
            looks into that database.

    Returns:
        The two steps.
    """
    trainer = Step(
        "Trainer",
        train,
        {
            "examples": examples,
            "statistics": statistics,
            "architecture": config.architecture,
            "epochs": config.epochs,
            "batch_size": config.batch_size,
            "learning_rate": config.learning_rate,
            "patience": config.patience,
            "seed": config.seed,
            "crops": config.crops,
            "deterministic": config.deterministic,
            "mixed_precision": config.mixed_precision,
            "xla": config.xla,
            "augmentation": config.augmentation,
            "decay_epochs": config.decay_epochs,
            "keep_every": 60 * config.checkpoint_minutes,
            "keep_checkpoints": config.keep_checkpoints,
            "checkpoints": lambda plan: str(root / "trainer" / f"checkpoints-{_training(plan)[:12]}"),
            "tensorboard": lambda plan: str(training_log(root, plan)),
        },
    )
    find_baseline = baseline or functools.partial(pushed_last, metadata_url=metadata_url)
    evaluator = Step(
        "Evaluator",
        evaluate,
        {
            "examples": examples,
            "statistics": statistics,
            "model": trainer.output("model"),
            "ten_crop": config.ten_crop,
            "baseline": lambda plan: find_baseline(root, plan.digests["examples"], plan.digests["model"]),
        },
    )
    return trainer, evaluator


def training_log(root: epath.Path, trainer: ExecutionPlan) -> epath.Path:
    """Directory of TensorBoard's logs of a training, given the plan of its Trainer."""
    # File systems take no longer names than 255 bytes.
    return root / "tensorboard" / f"{plain_name(trainer.step.arguments['architecture'])[:200]}-{_training(trainer)[:6]}"


def _training(plan: ExecutionPlan) -> str:
    """Key of a training however many epochs it takes, so that more epochs go on from where fewer ended."""
    return plan.key(without=("epochs",))
