"""Compiles declared steps to a pipeline of Kubeflow Pipelines and Vertex AI."""

import inspect
import linecache
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from kfp import compiler, dsl, kubernetes

from zfnet.components.artifacts import Artifact, Evaluation, Examples, Model
from zfnet.components.storage.files import atomic_path
from zfnet.pipeline.kubeflow.choices import choices, left_open, needs_root, shared_choices
from zfnet.pipeline.orchestration.code_version import code_version
from zfnet.pipeline.orchestration.step import Step, snake_case

DESCRIPTION = "Prepares photographs, trains a network on them, evaluates it, draws what it sees, and keeps it for serving."
ROOT_DESCRIPTION = (
    "directory that every task reaches, for checkpoints, TensorBoard's logs and pushed models: absolute, or gs://bucket/name."
)
TRAINER = "Trainer"
# kfp admits the types of the namespaces `system` and `google` alone: these show as what they are, the others as plain artifacts. The class
# is in the description.
ARTIFACT_TYPES: dict[type[Artifact], str] = {Examples: "Dataset", Model: "Model", Evaluation: "Metrics"}


def compile_pipeline(
    steps: Sequence[Step],
    out: pathlib.Path,
    *,
    image: str,
    root: str | None = None,
    gpus: int = 0,
    gpu_type: str = "nvidia.com/gpu",
    volumes: Mapping[str, str] | None = None,
) -> list[str]:
    """Writes the YAML of a pipeline in which every step is a task.

    What the steps were declared with becomes the parameters of the pipeline, with these values as defaults.

    Args:
        steps: the pipeline, each step behind those whose outputs it takes.
        out: file to write, `.yaml`.
        image: image of every container, with this project and kfp installed.
        root: default of the parameter `root`; None leaves it to whoever starts the pipeline.
        gpus: accelerators for the Trainer.
        gpu_type: what they are called where the pipeline will run.
        volumes: names of Kubernetes' persistent volume claims, by the directory in which every task finds them; Vertex AI has none.

    Returns:
        Names of the pipeline's parameters.

    Raises:
        ValueError: an argument of a step can't be passed to a task, or `out` has another ending.
    """
    if out.suffix != ".yaml":
        raise ValueError(f"The pipeline is written as YAML: expected a file that ends in .yaml, not {out}.")
    names = shared_choices(steps)
    components = {step: make_component(step, image) for step in steps}

    def pipeline(*channels: Any) -> None:
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
                # It also writes outside of its outputs, and whether that is still there Kubeflow's cache can't tell.
                task.set_caching_options(False)
            if gpus and step.name == TRAINER:
                task.set_accelerator_type(gpu_type).set_accelerator_limit(gpus)
            for directory, claim in (volumes or {}).items():
                kubernetes.mount_pvc(task, claim, directory)
            tasks[step] = task

    parameters, described = _parameters(steps, names, root)
    signature = inspect.Signature(list(parameters.values()))
    # Functions take any attribute, and inspect looks for this one.
    pipeline.__signature__ = signature  # type: ignore[attr-defined]
    pipeline.__doc__ = f"{DESCRIPTION}\n\nArgs:\n" + "".join(f"    {name}: {text}\n" for name, text in described.items())
    with tempfile.TemporaryDirectory() as directory, atomic_path(out) as partial:
        compiled = pathlib.Path(directory, "pipeline.yaml")
        compiler.Compiler().compile(dsl.pipeline(pipeline, name="zfnet"), str(compiled))
        partial.write_bytes(compiled.read_bytes())
    return list(parameters)


def _parameters(
    steps: Sequence[Step], names: Mapping[str, Mapping[str, str]], root: str | None
) -> tuple[dict[str, inspect.Parameter], dict[str, str]]:
    """The pipeline's parameters, and what they are, by name."""
    parameters = {"root": _parameter("root", str, inspect.Parameter.empty if root is None else root)}
    described = {"root": ROOT_DESCRIPTION}
    for step in steps:
        for name, choice in choices(step).items():
            shared = names[step.name][name]
            parameters.setdefault(shared, _parameter(shared, choice.type, choice.value))
            described.setdefault(shared, choice.description)
    return parameters, described


def _parameter(name: str, kind: type, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)


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
