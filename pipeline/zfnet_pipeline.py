"""The pipeline, from photographs to a served model and pictures of what it sees."""

from collections.abc import Callable
from typing import Any

from etils import epath

from zfnet.components.artifacts import Evaluation
from zfnet.components.data.known_beam_options import refuse_unknown_options
from zfnet.components.example_validator import validate_examples
from zfnet.components.pusher import push
from zfnet.components.visualizer import visualize
from zfnet.pipeline.anomaly_gate import refuse_anomalies
from zfnet.pipeline.beam_options import step_options
from zfnet.pipeline.data_steps import data_steps
from zfnet.pipeline.metadata import Execution
from zfnet.pipeline.metadata_database import open_metadata
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.step import Step
from zfnet.pipeline.training_steps import training_log, training_steps


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

    Raises:
        ValueError: an option of Beam is for no step, or Beam does not know it.
    """
    root = epath.Path(root)
    options = step_options(beam_options, ("ExampleGen", "StatisticsGen", "ExampleValidator"))
    for given in options.values():
        if given:  # Beam takes a second to import.
            refuse_unknown_options(runner, given)
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
        still_holds=_still_logged(root, metadata_url),
    )
    trainer, evaluator = training_steps(config, root, examples, statistics, metadata_url, baseline)
    model = trainer.output("model")
    visualizer = Step(
        "Visualizer",
        visualize,
        {
            "examples": examples,
            "model": model,
            "maps": config.maps_per_layer,
            "seed": config.seed,
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
            "destination": lambda plan: str(root / "serving"),
        },
        still_holds=_still_serves(root),
    )
    gate = [Step("AnomalyGate", refuse_anomalies, {"anomalies": example_validator.output("anomalies")})] if strict else []
    return [example_gen, statistics_gen, example_validator, *gate, trainer, evaluator, visualizer, pusher]


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
