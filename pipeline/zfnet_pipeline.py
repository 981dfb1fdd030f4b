"""The pipeline, from photographs to a served model and pictures of what it sees."""

import functools
from collections.abc import Callable
from typing import Any

from etils import epath

from zfnet.components.artifacts import Evaluation
from zfnet.components.evaluator import evaluate
from zfnet.components.example_gen import generate_examples
from zfnet.components.example_validator import validate_examples
from zfnet.components.pusher import push
from zfnet.components.statistics_gen import generate_statistics
from zfnet.components.trainer import train
from zfnet.components.visualizer import visualize
from zfnet.pipeline.anomaly_gate import refuse_anomalies
from zfnet.pipeline.baseline import pushed_last
from zfnet.pipeline.beam_options import step_options
from zfnet.pipeline.execution_plan import ExecutionPlan
from zfnet.pipeline.metadata import Execution
from zfnet.pipeline.metadata_database import open_metadata
from zfnet.pipeline.photograph_progress import photograph_progress
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.step import Step


def zfnet_pipeline(
    config: RunConfig,
    source: Any,
    root: epath.PathLike,
    runner: str,
    beam_options: tuple[str, ...] = (),
    strict: bool = False,
    metadata_url: str | None = None,
    baseline: Callable[[epath.Path, str, str], Evaluation | None] | None = None,
) -> list[Step]:
    """Declares the pipeline; nothing is run.

    Args:
        config: what the user chose.
        source: the photographs, as `zfnet.components.data.source.open_source` opens them.
        root: where checkpoints, TensorBoard's logs and pushed models go, and where earlier runs are looked up.
        runner: name of the Beam runner for the steps that go over all photographs.
        beam_options: further options of that runner; `--STEP.NAME=VALUE` for one step.
        strict: whether an anomaly in the examples ends the run.
        metadata_url: the database that earlier runs are recorded in, see `open_metadata`; None for the root's own.
        baseline: finds what a model is compared with, from the root and the digests of the examples and of the model; None
            looks into that database.

    Returns:
        The steps, in the order in which to run them.
    """
    root = epath.Path(root)
    steps = step_options(beam_options, ("ExampleGen", "StatisticsGen", "ExampleValidator"))
    beam = {step: {"runner": runner, "beam_options": options} for step, options in steps.items()}
    example_gen = Step(
        "ExampleGen",
        generate_examples,
        {
            "source": source,
            "image_size": config.input_size,
            "num_shards": None,
            "max_rejected": config.max_rejected,
            "follow": lambda plan: photograph_progress,
            **beam["ExampleGen"],
        },
    )
    examples = example_gen.output("examples")
    statistics_gen = Step("StatisticsGen", generate_statistics, {"examples": examples, **beam["StatisticsGen"]})
    statistics = statistics_gen.output("statistics")
    example_validator = Step(
        "ExampleValidator",
        validate_examples,
        {
            "examples": examples,
            "statistics": statistics,
            "tensorboard": lambda plan: str(_examples_log(root, plan.digests["examples"])),
            **beam["ExampleValidator"],
        },
        still_holds=_still_logged(root, metadata_url),
    )
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
            "keep_every": 60 * config.checkpoint_minutes,
            "checkpoints": lambda plan: str(root / "trainer" / f"checkpoints-{_training(plan)[:12]}"),
            "tensorboard": lambda plan: _tensorboard(root, plan),
        },
    )
    model = trainer.output("model")
    find_baseline = baseline or functools.partial(pushed_last, metadata_url=metadata_url)
    evaluator = Step(
        "Evaluator",
        evaluate,
        {
            "examples": examples,
            "statistics": statistics,
            "model": model,
            "ten_crop": config.ten_crop,
            "baseline": lambda plan: find_baseline(root, plan.digests["examples"], plan.digests["model"]),
        },
    )
    visualizer = Step(
        "Visualizer",
        visualize,
        {
            "examples": examples,
            "model": model,
            "maps": config.maps_per_layer,
            "seed": config.seed,
            "tensorboard": lambda plan: _tensorboard(root, plan.upstream["model"]),
        },
    )
    pusher = Step(
        "Pusher",
        push,
        {
            "examples": examples,
            "model": model,
            "evaluation": evaluator.output("evaluation"),
            "destination": lambda plan: str(root / "serving"),
        },
        still_holds=_still_serves(root),
    )
    gate = [Step("AnomalyGate", refuse_anomalies, {"anomalies": example_validator.output("anomalies")})] if strict else []
    return [example_gen, statistics_gen, example_validator, *gate, trainer, evaluator, visualizer, pusher]


def _training(plan: ExecutionPlan) -> str:
    """Key of a training however many epochs it takes, so that more epochs go on from where fewer ended."""
    return plan.key(without=("epochs",))


def _tensorboard(root: epath.Path, trainer: ExecutionPlan) -> str:
    """Directory of TensorBoard's logs of a training."""
    # Imports TensorFlow, which a run with nothing to do must not wait for.
    from zfnet.model.net.variation import plain_name

    # File systems take no longer names than 255 bytes.
    return str(root / "tensorboard" / f"{plain_name(trainer.step.arguments['architecture'])[:200]}-{_training(trainer)[:6]}")


def _examples_log(root: epath.Path, examples: str) -> epath.Path:
    """Directory of TensorBoard's logs of the examples with a digest."""
    return root / "tensorboard" / f"examples-{examples[:6]}"


def _still_logged(root: epath.Path, metadata_url: str | None) -> Callable[[dict[str, Any]], bool]:
    """Asks whether the logs that an earlier execution of ExampleValidator wrote are still there."""

    def holds(outputs: dict[str, Any]) -> bool:
        with open_metadata(root, metadata_url) as session:
            execution = session.get_one(Execution, int(outputs["anomalies"].path.parent.name))
            return _examples_log(root, execution.artifacts("input")["examples"].digest).is_dir()

    return holds


def _still_serves(root: epath.Path) -> Callable[[dict[str, Any]], bool]:
    """Asks whether the version that an earlier execution of Pusher wrote is still in the serving directory."""

    def holds(outputs: dict[str, Any]) -> bool:
        version = outputs["serving"].read_json("version.json")["version"]
        return version is None or (root / "serving" / str(version)).is_dir()

    return holds
