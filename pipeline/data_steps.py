"""The steps that prepare photographs for a training, which several trainings can share."""

from collections.abc import Mapping
from typing import Any

from zfnet.components.example_gen import generate_examples
from zfnet.components.statistics_gen import generate_statistics
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.step import Step


def data_steps(config: RunConfig, source: Any, runner: str, beam_options: Mapping[str, tuple[str, ...]]) -> tuple[Step, Step]:
    """Declares ExampleGen and StatisticsGen; nothing is run.

    Args:
        config: what the user chose.
        source: the photographs, as `zfnet.components.data.source.open_source` opens them.
        runner: name of the Beam runner.
        beam_options: further options of that runner, by the name of the step.

    Returns:
        The two steps.
    """
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
