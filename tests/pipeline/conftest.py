"""A pipeline of real artifacts, each as small as can be, in the shape of the whole one."""

import json
import pathlib
from collections.abc import Callable

import pytest

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Serving, Setting, Statistics
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import Step


class Photographs:
    """A data set in some version."""

    def __init__(self, version: str):
        self.version = version

    def __str__(self) -> str:
        return "birds"

    def fingerprint(self) -> str:
        return f"folder:{self.version}"


def generate(examples: Output[Examples], *, source: Photographs, image_size: int) -> None:
    (examples.path / "manifest.json").write_text(json.dumps({"version": source.version, "image_size": image_size}))


def count(examples: Input[Examples], statistics: Output[Statistics]) -> None:
    (statistics.path / "statistics.json").write_text((examples.path / "manifest.json").read_text())


def train(examples: Input[Examples], statistics: Input[Statistics], model: Output[Model], *, epochs: int | None, rate: float) -> None:
    (model.path / "model.keras").write_text(f"{statistics.read_json('statistics.json')} {epochs} {rate}")


def evaluate(examples: Input[Examples], model: Input[Model], evaluation: Output[Evaluation], *, error: float) -> None:
    measured = {"top1_error": error, "blessed": error < 0.5, "reason": f"error {error}", "classes": [model.digest()]}
    (evaluation.path / "evaluation.json").write_text(json.dumps(measured))


def push(
    examples: Input[Examples], model: Input[Model], evaluation: Input[Evaluation], serving: Output[Serving], *, served: Setting[list]
) -> None:
    version = None
    if evaluation.read_json("evaluation.json")["blessed"]:
        digest = model.digest()
        if digest not in served[-1:]:
            served.append(digest)
        version = len(served)
    (serving.path / "version.json").write_text(json.dumps({"version": version}))


@pytest.fixture
def run_tiny() -> Callable[..., None]:
    """Runs the pipeline under a root; what is given otherwise changes one of its parameters."""
    served = []

    def run(root: pathlib.Path, *, version="a" * 64, epochs=3, error=0.25, metadata_url=None) -> None:
        example_gen = Step("ExampleGen", generate, {"source": Photographs(version), "image_size": 56})
        examples = {"examples": example_gen.output("examples")}
        statistics_gen = Step("StatisticsGen", count, examples)
        trainer = Step("Trainer", train, {**examples, "statistics": statistics_gen.output("statistics"), "epochs": epochs, "rate": 0.01})
        model = {**examples, "model": trainer.output("model")}
        evaluator = Step("Evaluator", evaluate, {**model, "error": error})
        pusher = Step("Pusher", push, {**model, "evaluation": evaluator.output("evaluation"), "served": served})
        with LocalRunner(root, "zfnet run", metadata_url) as runner:
            runner.run([example_gen, statistics_gen, trainer, evaluator, pusher])

    return run
