"""The pipeline: from images to a served model and figures of its features."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from etils import epath

from zfnet.components.data.beam.options import step_options
from zfnet.components.data.sources.table_column import column_digest, find_table
from zfnet.components.evaluation.baseline import Pushed
from zfnet.components.evaluator import evaluate
from zfnet.components.example_gen import generate_examples
from zfnet.components.example_validator import check_anomalies, validate_examples
from zfnet.components.pusher import push
from zfnet.components.statistics_gen import generate_statistics
from zfnet.components.trainer import train
from zfnet.components.training.start import start_digest
from zfnet.components.visualizer import visualize
from zfnet.model.net.variation import plain_name
from zfnet.pipeline.orchestration.metadata import Execution, open_metadata
from zfnet.pipeline.orchestration.step import ExecutionPlan, OutputOf, Step
from zfnet.pipeline.pushed_last import pushed_last
from zfnet.pipeline.run_config import RunConfig


def zfnet_pipeline(
    config: RunConfig,
    source: Any,
    root: epath.PathLike,
    runner: str,
    beam_options: tuple[str, ...] = (),
    strict: bool = False,
    metadata_url: str | None = None,
    baseline: Callable[[epath.Path, str], Pushed | None] | None = None,
) -> list[Step]:
    """Declares the steps of the pipeline, in the order in which to run them; nothing is run.

    Args:
        source: the images, as `zfnet.components.data.sources.open_source.open_source` opens them.
        root: where checkpoints, TensorBoard's logs and pushed models go, and where earlier runs are looked up.
        runner: name of the Beam runner for the steps that go over all images.
        beam_options: further options of that runner; `--STEP.NAME=VALUE` for one step.
        strict: whether an anomaly in the examples ends the run.
        metadata_url: the database that earlier runs are recorded in, see `open_metadata`; None for the root's own.
        baseline: finds the model pushed last, from the root and the digest of the model to compare with it; None looks into that
            database.

    Raises:
        ValueError: an option of Beam is for no step, or Beam does not know it.
    """
    root = epath.Path(root)
    options = step_options(beam_options, ("ExampleGen", "StatisticsGen", "ExampleValidator"))
    for given in options.values():
        if given:  # Beam takes a second to import.
            from zfnet.components.data.beam.pipeline import check_options

            check_options(runner, given)

    example_gen, statistics_gen = data_steps(config, source, runner, options)
    examples, statistics = example_gen.output("examples"), statistics_gen.output("statistics")
    example_validator = Step(
        "ExampleValidator",
        validate_examples,
        {
            "examples": examples,
            "statistics": statistics,
            "tensorboard": lambda plan: str(_examples_log(root, plan.digests["examples"])),
            "runner": runner,
            "beam_options": options["ExampleValidator"],
        },
        still_holds=functools.partial(_still_logged, root, metadata_url),
    )
    gate = [Step("AnomalyGate", check_anomalies, {"anomalies": example_validator.output("anomalies")})] if strict else []
    trainer, evaluator = training_steps(config, root, examples, statistics, metadata_url, baseline)
    model = trainer.output("model")
    visualizer = Step(
        "Visualizer",
        visualize,
        {
            "examples": examples,
            "statistics": statistics,
            "model": model,
            "evaluation": evaluator.output("evaluation"),
            "maps": config.maps_per_layer,
            "seed": config.recipe.seed,
            "checkpoints": lambda plan: str(checkpoint_folder(root, plan.upstream["model"])),
            "tensorboard": lambda plan: str(training_log(root, plan.upstream["model"])),
        },
    )
    pusher = Step(
        "Pusher",
        push,
        {
            "examples": examples,
            "model": model,
            "evaluation": evaluator.output("evaluation"),
            "push_anyway": config.push_anyway,
            "destination": lambda plan: str(root / "serving"),
            "check_seconds": config.check_seconds,
        },
        still_holds=functools.partial(_still_serves, root),
    )
    return [example_gen, statistics_gen, example_validator, *gate, trainer, evaluator, visualizer, pusher]


def data_steps(config: RunConfig, source: Any, runner: str, beam_options: Mapping[str, tuple[str, ...]]) -> tuple[Step, Step]:
    """Declares ExampleGen and StatisticsGen, as in `zfnet_pipeline`; `beam_options` are those of each step, by its name."""
    example_gen = Step(
        "ExampleGen",
        generate_examples,
        {
            "source": source,
            "image_size": config.input_size,
            "num_shards": None,
            "max_rejected": config.max_rejected,
            "runner": runner,
            "beam_options": beam_options["ExampleGen"],
        },
    )
    statistics_gen = Step(
        "StatisticsGen",
        generate_statistics,
        {"examples": example_gen.output("examples"), "runner": runner, "beam_options": beam_options["StatisticsGen"]},
    )
    return example_gen, statistics_gen


def training_steps(
    config: RunConfig,
    root: epath.Path,
    examples: OutputOf,
    statistics: OutputOf,
    metadata_url: str | None = None,
    baseline: Callable[[epath.Path, str], Pushed | None] | None = None,
) -> tuple[Step, Step]:
    """Declares Trainer and Evaluator for the examples and their statistics, as in `zfnet_pipeline`.

    The file of a start, and the column of a table that divides the examples, are read for their digests.

    Raises:
        ValueError: there is no such file, table or column.
    """
    table = digest = None
    if config.slice_by:
        table = find_table(config.data, config.slice_by)
        digest = column_digest(table, config.slice_by)
    find_baseline = baseline or functools.partial(pushed_last, metadata_url=metadata_url)
    trainer = Step(
        "Trainer",
        train,
        {
            "examples": examples,
            "statistics": statistics,
            **dataclasses.asdict(config.recipe),
            "keep_every": 60 * config.checkpoint_minutes,
            "keep_checkpoints": config.keep_checkpoints,
            "start": config.start_from,
            "start_digest": start_digest(config.start_from) if config.start_from else None,
            "checkpoints": lambda plan: str(checkpoint_folder(root, plan)),
            "tensorboard": lambda plan: str(training_log(root, plan)),
        },
    )
    evaluator = Step(
        "Evaluator",
        evaluate,
        {
            "examples": examples,
            "statistics": statistics,
            "model": trainer.output("model"),
            "ten_crop": config.ten_crop,
            "thresholds": config.bless,
            "slice_by": config.slice_by,
            "slice_digest": digest,
            "slice_table": table,
            "baseline": lambda plan: find_baseline(root, plan.digests["model"]),
        },
    )
    return trainer, evaluator


def training_log(root: epath.Path, trainer: ExecutionPlan) -> epath.Path:
    """Directory of TensorBoard's logs of a training, given the plan of its Trainer."""
    # File systems take no longer names than 255 bytes.
    return root / "tensorboard" / f"{plain_name(trainer.step.arguments['architecture'])[:200]}-{_training(trainer)[:6]}"


def checkpoint_folder(root: epath.Path, trainer: ExecutionPlan) -> epath.Path:
    """Directory of the checkpoints of a training, given the plan of its Trainer."""
    return root / "trainer" / f"checkpoints-{_training(trainer)[:12]}"


def _training(plan: ExecutionPlan) -> str:
    """Key of a training however many epochs it takes, so that more epochs go on from where fewer ended."""
    return plan.key(without=("epochs",))


def _examples_log(root: epath.Path, examples: str) -> epath.Path:
    """Directory of TensorBoard's logs of the examples with a digest."""
    return root / "tensorboard" / f"examples-{examples[:6]}"


def _still_logged(root: epath.Path, metadata_url: str | None, outputs: dict[str, Any]) -> bool:
    """Whether the logs that an earlier execution of ExampleValidator wrote are still there."""
    with open_metadata(root, metadata_url) as session:
        execution = session.get_one(Execution, int(outputs["anomalies"].path.parent.name))
        return _examples_log(root, execution.artifacts("input")["examples"].digest).is_dir()


def _still_serves(root: epath.Path, outputs: dict[str, Any]) -> bool:
    """Whether the version that an earlier execution of Pusher wrote is still in the serving directory."""
    version = outputs["serving"].read_json("version.json")["version"]
    return version is None or (root / "serving" / str(version)).is_dir()
