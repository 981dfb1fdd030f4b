"""Compiles declared steps to a pipeline of Kubeflow Pipelines and Vertex AI, and their choices to its parameters."""

import dataclasses
import inspect
import linecache
import pathlib
import tempfile
import types
from collections.abc import Mapping, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

import docstring_parser
from kfp import compiler, dsl, kubernetes

from zfnet.components.artifacts import Artifact, Evaluation, Examples, Model
from zfnet.components.storage.files import atomic_path
from zfnet.components.training.recipe import Recipe
from zfnet.pipeline.kubeflow.task import NamedData
from zfnet.pipeline.orchestration.step import Step, snake_case
from zfnet.pipeline.orchestration.versions import code_version

DESCRIPTION = "Prepares images, trains a network on them, evaluates it, draws its features, and exports it for serving."
ROOT_DESCRIPTION = (
    "directory that every task reaches, for checkpoints, TensorBoard's logs and pushed models: absolute, or gs://bucket/name."
)
TRAINER = "Trainer"
# kfp admits the types of the namespaces `system` and `google` alone; other classes are plain artifacts, named in the description.
ARTIFACT_TYPES: dict[type[Artifact], str] = {Examples: "Dataset", Model: "Model", Evaluation: "Metrics"}
# The types of parameters that Kubeflow passes to tasks, by the annotations of a step's function.
PARAMETER_TYPES = {str: str, int: int, float: float, bool: bool, list: list, tuple: list, Sequence: list, dict: dict}
DATA = "the DATA of zfnet run, as the tasks understand it: a name, a directory that every task reaches, or gs://bucket/name."


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
    """Writes the YAML of a pipeline in which every step is a task; the values of the steps' arguments are defaults of its parameters.

    Args:
        steps: the pipeline, each step after those whose outputs it takes.
        out: file to write, `.yaml`.
        image: image of every container, with this project and kfp installed.
        root: default of the parameter `root`; None if it must be given whenever the pipeline is started.
        gpus, gpu_type: number of accelerators for the Trainer, and their name.
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
    """The pipeline's parameters, and their descriptions, by name."""
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
    """Makes the component that runs a step in a container of `image`, which has this project and kfp installed.

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
    """Source of the function that a container runs: it has the step's signature, and calls `run_task` with its arguments.

    It names the version of the step's code, because Kubeflow's cache compares this function and the name of the image alone.
    """
    artifacts = {name: argument for name, argument in step.declared.items() if argument.type and step.arguments.get(name, True) is not None}
    arguments = [
        f"{name}: {argument.kind.capitalize()}[{ARTIFACT_TYPES.get(argument.artifact_type, 'Artifact')}]"
        for name, argument in artifacts.items()
    ]
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


@dataclasses.dataclass(frozen=True)
class Choice:
    """A value of a step's argument, not None, that may be replaced when the pipeline is started.

    `type` is str, int, float, bool, list or dict; `topic` is its name where several steps share it; `description` is one line.
    """

    type: type
    value: Any
    topic: str
    description: str = dataclasses.field(compare=False)


def choices(step: Step) -> dict[str, Choice]:
    """The values of a step's parameters and settings, by name.

    Excludes arguments that are None (some back ends drop them) and callable settings (evaluated in the task).

    Raises:
        ValueError: a value is of a type that Kubeflow does not pass to tasks.
    """
    hints = get_type_hints(step.function)
    described = {field.name: field.metadata["help"] for field in dataclasses.fields(Recipe)}
    described |= {entry.arg_name: entry.description or "" for entry in docstring_parser.parse(inspect.getdoc(step.function) or "").params}
    return {
        name: _choice(step, name, hints.get(name), value, " ".join(described.get(name, "").split()))
        for name, value in _given(step).items()
        if value is not None and not inspect.isfunction(value)
    }


def left_open(step: Step) -> list[str]:
    """Names of the parameters and settings that a step was given as None."""
    return [name for name, value in _given(step).items() if value is None]


def needs_root(step: Step) -> bool:
    """Whether a task must know the directory of the runs: for a setting that is a function, or to open the images."""
    return any(inspect.isfunction(value) or isinstance(value, NamedData) for value in _given(step).values())


def shared_choices(steps: Sequence[Step]) -> dict[str, dict[str, str]]:
    """Names the choices of a whole pipeline.

    Choices of several steps with the same name and value are one, such as the seed. If the values differ, each has the name of its step
    before its own: `trainer_seed`. The result holds the pipeline's names of choices, by the step's name and by their names in the step.
    """
    of_steps = {step.name: choices(step) for step in steps}
    differing = set()
    first: dict[str, Choice] = {}
    for of_step in of_steps.values():
        differing |= {choice.topic for choice in of_step.values() if first.setdefault(choice.topic, choice) != choice}
    return {
        name: {
            argument: f"{snake_case(name)}_{choice.topic}" if choice.topic in differing else choice.topic
            for argument, choice in of_step.items()
        }
        for name, of_step in of_steps.items()
    }


def _given(step: Step) -> dict[str, Any]:
    declared = step.declared
    return {name: value for name, value in step.arguments.items() if declared[name].kind in ("parameter", "setting")}


def _choice(step: Step, name: str, hint: Any, value: Any, description: str) -> Choice:
    if isinstance(value, NamedData):
        return Choice(str, value.data, "data", DATA)
    is_union = get_origin(hint) in (Union, types.UnionType)
    kinds = [kind for kind in (get_args(hint) if is_union else (hint,)) if kind is not types.NoneType]
    parameter_type = PARAMETER_TYPES.get(get_origin(kinds[0]) or kinds[0]) if len(kinds) == 1 else None
    if parameter_type is None:
        raise ValueError(
            f"Step {step.name}, argument {name!r}: {hint} can't be passed to a task of Kubeflow; expected one of "
            f"{', '.join(kind.__name__ for kind in PARAMETER_TYPES)}, or None as well. Give a setting as a function of the plan instead."
        )
    return Choice(parameter_type, list(value) if parameter_type is list else value, name, description)
