"""Compiles declared steps to a pipeline of Kubeflow Pipelines and Vertex AI."""

import inspect
import pathlib
from collections.abc import Sequence

from kfp import compiler, dsl

from zfnet.pipeline.kubeflow.choices import choices, needs_root, shared_choices
from zfnet.pipeline.kubeflow.component import make_component
from zfnet.pipeline.step import Step

TRAINER = "Trainer"


def compile_pipeline(
    steps: Sequence[Step], out: pathlib.Path, *, image: str, root: str | None, gpus: int = 0, accelerator: str = "nvidia.com/gpu"
) -> None:
    """Writes the YAML of a pipeline in which every step is a task.

    What the steps were declared with becomes the parameters of the pipeline, with these values as defaults.

    Args:
        steps: the pipeline, each step behind those whose outputs it takes.
        out: file to write, `.yaml` or `.json`.
        image: image of every container, with this project and kfp installed.
        root: default of the parameter `root`; None leaves it to whoever starts the pipeline.
        gpus: accelerators for the Trainer.
        accelerator: what they are called where the pipeline will run.

    Raises:
        ValueError: an argument of a step can't be passed to a task.
    """
    names = shared_choices(steps)
    components = {step: make_component(step, image) for step in steps}

    def pipeline(*channels) -> None:
        given = dict(zip(signature.parameters, channels, strict=True))
        tasks: dict[Step, dsl.PipelineTask] = {}
        for step in steps:
            inputs = {name: tasks[source.step].outputs[source.name] for name, source in step.values("input").items() if source is not None}
            chosen = {name: given[shared] for name, shared in names[step.name].items()}
            task = components[step](**inputs, **chosen, **({"root": given["root"]} if needs_root(step) else {}))
            task.set_display_name(step.name)
            # A step without outputs is there to end the run: nothing behind it begins before.
            task.after(*(tasks[gate] for gate in tasks if not gate.output_types))
            if step.still_holds is not Step.still_holds:
                # It also writes outside of its outputs, and only a run can tell whether that is still there.
                task.set_caching_options(False)
            if gpus and step.name == TRAINER:
                task.set_accelerator_type(accelerator).set_accelerator_limit(gpus)
            tasks[step] = task

    signature = pipeline.__signature__ = _signature(steps, names, root)
    compiler.Compiler().compile(dsl.pipeline(pipeline, name="zfnet", description=DESCRIPTION), str(out))


DESCRIPTION = "Prepares photographs, trains a network on them, evaluates it, draws what it sees, and keeps it for serving."


def _signature(steps: Sequence[Step], names: dict[str, dict[str, str]], root: str | None) -> inspect.Signature:
    parameters = {"root": _parameter("root", str, inspect.Parameter.empty if root is None else root)}
    for step in steps:
        known = choices(step)
        for name, shared in names[step.name].items():
            parameters.setdefault(shared, _parameter(shared, known[name].type, known[name].value))
    return inspect.Signature(list(parameters.values()))


def _parameter(name: str, kind: type, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
