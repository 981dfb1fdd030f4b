import json
import shutil

import pytest

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Serving, Setting
from zfnet.components.evaluation.baseline import Pushed
from zfnet.components.pusher import DIGEST, EXAMPLES_DIGEST
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import Step
from zfnet.pipeline.pushed_last import pushed_last, served_last


def generate(examples: Output[Examples], *, data: str) -> None:
    (examples.path / "manifest.json").write_text(data)


def train(examples: Input[Examples], model: Output[Model], *, seed: int) -> None:
    (model.path / "model.keras").write_text(f"model {seed}")


def evaluate(
    examples: Input[Examples],
    model: Input[Model],
    evaluation: Output[Evaluation],
    *,
    blessed: bool,
    tries: int,
    baseline: Setting[Pushed | None],
) -> None:
    found = (baseline.model.path / "model.keras").read_text() if baseline and baseline.model else None
    text = {"model": (model.path / "model.keras").read_text(), "baseline": found, "blessed": blessed}
    (evaluation.path / "evaluation.json").write_text(json.dumps(text))


def push(examples: Input[Examples], model: Input[Model], evaluation: Input[Evaluation], serving: Output[Serving]) -> None:
    version = 1 if evaluation.read_json("evaluation.json")["blessed"] else None
    (serving.path / "version.json").write_text(json.dumps({"version": version}))


@pytest.fixture
def compared_with(tmp_path):
    """Trains, evaluates and pushes a model under ROOT; returns the model that its errors were compared with."""

    def run(seed: int, data: str = "cats", blessed: bool = True, tries: int = 1) -> str | None:
        example_gen = Step("ExampleGen", generate, {"data": data})
        examples = example_gen.output("examples")
        trainer = Step("Trainer", train, {"examples": examples, "seed": seed})
        model = {"examples": examples, "model": trainer.output("model")}
        find = lambda plan: pushed_last(tmp_path, plan.digests["model"])  # noqa: E731
        evaluator = Step("Evaluator", evaluate, {**model, "blessed": blessed, "tries": tries, "baseline": find})
        pusher = Step("Pusher", push, {**model, "evaluation": evaluator.output("evaluation")})
        with LocalRunner(tmp_path, "zfnet run") as runner:
            results = runner.run([example_gen, trainer, evaluator, pusher])
        return results["Evaluator"].outputs["evaluation"].read_json("evaluation.json")["baseline"]

    return run


def test_first_model_is_compared_with_none(compared_with):
    assert compared_with(seed=0) is None


def test_model_is_compared_with_the_one_pushed_last(compared_with):
    compared_with(seed=0)
    assert compared_with(seed=1) == "model 0"
    assert compared_with(seed=2) == "model 1"


def test_model_that_was_not_pushed_does_not_count(compared_with):
    compared_with(seed=0)
    compared_with(seed=1, blessed=False)
    assert compared_with(seed=2) == "model 0"


def test_model_of_other_data_counts(compared_with):
    compared_with(seed=0)
    assert compared_with(seed=1, data="dogs") == "model 0"
    assert compared_with(seed=2) == "model 1"


def test_model_is_not_compared_with_itself(compared_with):
    compared_with(seed=0)
    assert compared_with(seed=0, tries=2) is None
    compared_with(seed=1)
    # Evaluated again, the model that was pushed last is compared with the one before.
    assert compared_with(seed=1, tries=2) == "model 0"


def test_what_is_left_is_found(compared_with, tmp_path):
    compared_with(seed=0)
    compared_with(seed=1)
    found = pushed_last(tmp_path, "another")
    assert found.version == 1
    assert found.served == tmp_path / "serving/1"
    assert found.examples_digest == found.examples.digest()
    assert found.evaluation.read_json("evaluation.json")["model"] == (found.model.path / "model.keras").read_text() == "model 1"
    shutil.rmtree(found.evaluation.path)
    (found.examples.path / "manifest.json").write_text("an altered one")
    altered = pushed_last(tmp_path, "another")
    assert (altered.version, altered.evaluation, altered.examples, str(altered.model)) == (1, None, None, str(found.model))
    # Nothing is left of this model, and the one before counts.
    shutil.rmtree(found.model.path)
    found = pushed_last(tmp_path, "another")
    assert (found.model.path / "model.keras").read_text() == "model 0"


def test_served_version_is_enough(compared_with, tmp_path):
    compared_with(seed=0)
    (tmp_path / "serving/1").mkdir(parents=True)
    for step in ("trainer", "evaluator"):
        shutil.rmtree(tmp_path / step)
    found = pushed_last(tmp_path, "another")
    assert (found.version, found.model, found.evaluation) == (1, None, None)


@pytest.fixture
def serve(tmp_path):
    """Writes a version of the serving directory, as far as it says what it is."""

    def write(version: str, model: str, examples: str = "cats", evaluation: bool = True) -> None:
        directory = tmp_path / "serving" / version
        (directory / "assets.extra").mkdir(parents=True)
        (directory / DIGEST).write_text(model)
        (directory / EXAMPLES_DIGEST).write_text(examples)
        if evaluation:
            (directory / "assets.extra/evaluation.json").write_text(f'"{model}"')

    return write


@pytest.fixture
def compared_in_a_task(tmp_path):
    def find(model: str) -> str | None:
        found = served_last(tmp_path, model)
        return found and found.evaluation.read_json("evaluation.json")

    return find


def test_first_model_is_compared_in_a_task_none(compared_in_a_task):
    assert compared_in_a_task("new") is None


def test_highest_version_of_another_model_counts(serve, compared_in_a_task):
    serve("9", "nine")
    serve("10", "ten")
    serve("11.partial", "half")
    assert compared_in_a_task("new") == "ten"
    assert compared_in_a_task("ten") == "nine"


def test_version_names_its_examples(serve, tmp_path):
    serve("1", "one")
    serve("2", "two", examples="dogs")
    found = served_last(tmp_path, "new")
    assert found == Pushed(2, tmp_path / "serving/2", "dogs", found.evaluation)


def test_version_without_an_evaluation_does_not_count(serve, compared_in_a_task, tmp_path):
    serve("1", "one")
    serve("2", "two", evaluation=False)
    (tmp_path / "serving/3").mkdir()
    assert compared_in_a_task("new") == "one"
