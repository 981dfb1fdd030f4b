"""A step as a component of Kubeflow Pipelines."""

import inspect
import linecache

from kfp import dsl

from zfnet.components.artifacts import Artifact, Evaluation, Examples, Model
from zfnet.pipeline.code_version import code_version
from zfnet.pipeline.kubeflow.choices import choices, left_open, needs_root
from zfnet.pipeline.snake_case import snake_case
from zfnet.pipeline.step import Step

# kfp admits the types of the namespaces `system` and `google` alone: these show as what they are, the others as plain artifacts. The class
# is in the description.
ARTIFACT_TYPES: dict[type[Artifact], str] = {Examples: "Dataset", Model: "Model", Evaluation: "Metrics"}


def make_component(step: Step, image: str) -> dsl.base_component.BaseComponent:
    """Makes the component that runs a step in a container.

    Args:
        step: the step.
        image: the container's image, with this project and kfp installed.

    Raises:
        ValueError: an argument of the step can't be passed to a task.
    """
    name, source = snake_case(step.name), component_source(step)
    file = f"<step {step.name}>"
    # kfp takes the source of a function from where Python finds it for tracebacks.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {"__name__": __name__, **vars(dsl)}
    exec(compile(source, file, "exec"), namespace)
    return dsl.component(namespace[name], base_image=image, install_kfp_package=False)


def component_source(step: Step) -> str:
    """The Python function that a container runs: the signature is the step's own, and the body only hands on what was given.

    It names the version of the step's code, because Kubeflow's cache looks at this function and at the name of the image, not into it.

    Args:
        step: the step.
    """
    artifacts = {name: argument for name, argument in step.declared.items() if argument.type and step.arguments.get(name, True) is not None}
    arguments = [f"{name}: {argument.kind.capitalize()}[{kubeflow_type(argument.artifact_type)}]" for name, argument in artifacts.items()]
    arguments += [f"{name}: {choice.type.__name__}" for name, choice in choices(step).items()]
    arguments += ["root: str"] if needs_root(step) else []
    lines = [(inspect.getdoc(step.function) or step.name).splitlines()[0]]
    # kfp looks for the descriptions of outputs among what a function returns.
    for kind, section in (("input", "Args"), ("output", "Returns")):
        described = [
            f"        {name}: zfnet.{argument.artifact_type.__name__}" for name, argument in artifacts.items() if argument.kind == kind
        ]
        lines += ["", f"    {section}:", *described] if described else []
    documentation = "\n".join(lines)
    constants = "".join(f", {name}=None" for name in left_open(step))
    return (
        f"def {snake_case(step.name)}(*, {', '.join(arguments)}):\n"
        f'    """{documentation}\n    """\n'
        f"    # Code version {code_version(step.function)}\n"
        f"    arguments = dict(locals(){constants})\n"
        "    from zfnet.pipeline.kubeflow.task import run_task\n\n"
        f"    run_task({step.name!r}, arguments)\n"
    )


def kubeflow_type(artifact_type: type[Artifact]) -> str:
    """Name of the class in `kfp.dsl` by which Kubeflow knows artifacts of a class."""
    return ARTIFACT_TYPES.get(artifact_type, "Artifact")
