import inspect

from zfnet.components.artifacts import Anomalies, Evaluation, Examples, Input, Model, Output, Setting
from zfnet.pipeline.code_version import code_version
from zfnet.pipeline.kubeflow.component import component_source, make_component
from zfnet.pipeline.step import Step


def prepare(examples: Output[Examples], *, size: int) -> None: ...


def judge_models(
    examples: Input[Examples],
    model: Input[Model | None],
    evaluation: Output[Evaluation],
    anomalies: Output[Anomalies],
    *,
    crops: str,
    epochs: int | None,
    log: Setting[str],
) -> None:
    """Judges "models" anew.

    At length.
    """


EXPECTED = '''def judge_again(*, examples: Input[Dataset], evaluation: Output[Metrics], anomalies: Output[Artifact], crops: str, root: str):
    """Judges "models" anew.

    Args:
        examples: zfnet.Examples

    Returns:
        evaluation: zfnet.Evaluation
        anomalies: zfnet.Anomalies
    """
    # Code version VERSION
    arguments = dict(locals(), epochs=None)
    from zfnet.pipeline.kubeflow.task import run_task

    run_task('JudgeAgain', arguments)
'''


def step() -> Step:
    examples = Step("Prepare", prepare, {"size": 96}).output("examples")
    given = {"examples": examples, "model": None, "crops": "ten", "epochs": None, "log": lambda plan: ""}
    return Step("JudgeAgain", judge_models, given)


def test_source_is_read_off_the_declaration():
    assert component_source(step()) == EXPECTED.replace("VERSION", code_version(judge_models))


def test_component_runs_in_the_image():
    component = make_component(step(), "birds:7")
    container = component.component_spec.implementation.container
    assert container.image == "birds:7"
    assert inspect.getsource(component.python_func) == component_source(step())
    assert "pip install" not in " ".join(container.command)
    assert {name: output.type for name, output in component.component_spec.outputs.items()} == {
        "evaluation": "system.Metrics@0.0.1",
        "anomalies": "system.Artifact@0.0.1",
    }
    assert component.component_spec.outputs["anomalies"].description == "zfnet.Anomalies"
