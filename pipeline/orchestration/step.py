"""Steps, annotated functions joined by their artifacts, and plans of their executions. A pipeline is a list of steps."""

import functools
import hashlib
import inspect
import json
import re
import types
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from zfnet.components.artifacts import Artifact
from zfnet.pipeline.orchestration.versions import code_version

ArtifactClass = type[Artifact]


@dataclass(frozen=True)
class Argument:
    """One argument of a step's function, as its annotation declares it.

    `kind` is "input", "output", "setting" or "parameter". `type` is the annotated class of an input or output, None for the others. An
    `optional` input may be None. `default` is `inspect.Parameter.empty` if a value must be given.
    """

    kind: str
    type: ArtifactClass | None
    optional: bool
    default: Any

    @property
    def artifact_type(self) -> ArtifactClass:
        """The class of an input or output; raises a TypeError for the others."""
        if self.type is None:
            raise TypeError(f"A {self.kind} is no artifact.")
        return self.type


def declared_arguments(function: Callable[..., None]) -> dict[str, Argument]:
    """Reads the arguments of a step, by name, from the signature of its function.

    Raises:
        ValueError: the annotation of an input or output is not one class of artifacts.
    """
    hints = get_type_hints(function, include_extras=True)
    arguments = {}
    for name, declared in inspect.signature(function).parameters.items():
        hint: Any = hints.get(name)
        kind = next((word for word in getattr(hint, "__metadata__", ()) if word in ("input", "output", "setting")), "parameter")
        artifact_type, optional = None, False
        if kind in ("input", "output"):
            choices = get_args(hint.__origin__) or (hint.__origin__,)
            optional = types.NoneType in choices and kind == "input"
            classes = [choice for choice in choices if not (optional and choice is types.NoneType)]
            if len(classes) != 1 or not (isinstance(classes[0], type) and issubclass(classes[0], Artifact)):
                raise ValueError(f"{function.__name__}(): {name} is an {kind} but annotated with {hint}, not with a class of artifacts.")
            artifact_type = classes[0]
        arguments[name] = Argument(kind, artifact_type, optional, declared.default)
    return arguments


@dataclass(frozen=True, eq=False)
class Step:
    """A function with its arguments: one box of a pipeline.

    Args:
        name: the name in messages and records, in CapWords; unique in a pipeline.
        function: an annotated function, see `zfnet.components.artifacts`.
        arguments: a value for every argument of the function that is no output and has no default. An input takes the output of an
            earlier step. A parameter takes a JSON value, or an object whose method `fingerprint()` returns one; a changed fingerprint
            is a changed parameter. A setting takes anything; a callable setting is evaluated with the `ExecutionPlan` just before the
            step runs.
        still_holds: for a step that also writes outside its outputs: whether an earlier execution with these outputs can be reused.

    Raises:
        ValueError: an argument is unknown, missing or of the wrong kind.

    Examples:
        Step("StatisticsGen", generate_statistics, {"examples": example_gen.output("examples")})
    """

    name: str
    function: Callable[..., None]
    arguments: dict[str, Any]
    still_holds: Callable[[dict[str, Artifact]], bool] = lambda outputs: True

    def __post_init__(self) -> None:
        declared = self.declared
        takes = [name for name, argument in declared.items() if argument.kind != "output"]
        for name, value in self.arguments.items():
            if name not in takes:
                raise ValueError(f"Step {self.name}: {self.function.__name__}() takes no argument {name!r}; it takes {', '.join(takes)}.")
            self._check(name, declared[name], value)
        if missing := [name for name in takes if declared[name].default is inspect.Parameter.empty and name not in self.arguments]:
            raise ValueError(f"Step {self.name}: no value given for {', '.join(missing)} of {self.function.__name__}().")

    def _check(self, name: str, argument: Argument, value: Any) -> None:
        where = f"Step {self.name}, argument {name!r}"
        if argument.kind == "input":
            if value is None and argument.optional:
                return
            if not isinstance(value, OutputOf):
                raise ValueError(f"{where}: an input takes the output of an earlier step, not {value!r}.")
            if not issubclass(value.type, argument.artifact_type):
                raise ValueError(f"{where}: expected {argument.artifact_type.__name__}, but {value} is {value.type.__name__}.")
        elif isinstance(value, OutputOf):
            raise ValueError(f"{where}: {value} was given for a {argument.kind}; only an input takes the output of a step.")
        elif argument.kind == "parameter" and not hasattr(value, "fingerprint"):
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"{where}: a parameter takes what JSON can hold or an object with fingerprint(), not {value!r}."
                ) from error

    @property
    def declared(self) -> dict[str, Argument]:
        """The arguments of the function, see `declared_arguments`."""
        return declared_arguments(self.function)

    @property
    def output_types(self) -> dict[str, type[Artifact]]:
        """The class of every output, by name."""
        return {name: argument.artifact_type for name, argument in self.declared.items() if argument.kind == "output"}

    def values(self, kind: str) -> dict[str, Any]:
        """The values of all arguments of one kind ("input", "parameter" or "setting"), by name, defaults included."""
        return {name: self.arguments.get(name, argument.default) for name, argument in self.declared.items() if argument.kind == kind}

    def output(self, name: str) -> "OutputOf":
        """A reference to an output of this step, to use as an input of a later one."""
        if name not in self.output_types:
            raise ValueError(f"Step {self.name} has no output {name!r}; it has {', '.join(self.output_types) or 'none'}.")
        return OutputOf(self, name)


@dataclass(frozen=True)
class OutputOf:
    """The output `name` of `step`, before it exists."""

    step: Step
    name: str

    def __str__(self) -> str:
        return f"{self.step.name}.{self.name}"

    @property
    def type(self) -> type[Artifact]:
        """The class of the artifact that it will be."""
        return self.step.output_types[self.name]


def snake_case(name: str) -> str:
    """`ExampleGen` as `example_gen`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True)
class ExecutionPlan:
    """A step whose inputs exist: everything that determines its outputs.

    `inputs` are artifacts by name; an optional input that was left out is missing. `digests` are theirs, and `upstream` are the plans that
    produced them.
    """

    step: Step
    inputs: dict[str, Artifact]
    digests: dict[str, str]
    upstream: dict[str, "ExecutionPlan"]

    @functools.cached_property
    def code_version(self) -> str:
        """Version of the step's own source code."""
        return code_version(self.step.function)

    @functools.cached_property
    def _fingerprints(self) -> dict[str, Any]:
        """Parameters as they enter the key; for an object also its code, since other code may read the same data differently."""
        return {
            name: [value.fingerprint(), code_version(type(value))] if hasattr(value, "fingerprint") else value
            for name, value in self.step.values("parameter").items()
        }

    def key(self, without: Container[str] = ()) -> str:
        """Hex SHA-256 of the step's name, code, parameters and the contents of its inputs; settings do not count.

        Parameters named in `without` do not count either: executions that differ only in them share this key.
        """
        parts = {
            "step": self.step.name,
            "code": self.code_version,
            "parameters": {name: value for name, value in self._fingerprints.items() if name not in without},
            "inputs": self.digests,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def execute(self, outputs: dict[str, Artifact]) -> None:
        """Calls the step's function; the directories of `outputs` exist and are empty."""
        self.step.function(**self.step.values("input") | self.inputs, **outputs, **self.step.values("parameter"), **self.settings())

    def settings(self) -> dict[str, Any]:
        """The settings by name; those that are functions are evaluated with this plan."""
        return {name: value(self) if inspect.isfunction(value) else value for name, value in self.step.values("setting").items()}
