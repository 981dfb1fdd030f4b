"""What of a step can be chosen when a compiled pipeline is started, read off its declaration."""

import collections.abc
import dataclasses
import inspect
import types
import typing
from collections.abc import Sequence
from typing import Any

import docstring_parser

from zfnet.components.training.recipe import Recipe
from zfnet.pipeline.kubeflow.task import NamedData
from zfnet.pipeline.orchestration.step import Step, snake_case

# The types of parameters that Kubeflow passes to tasks, by what a step's function may be annotated with.
PARAMETER_TYPES = {str: str, int: int, float: float, bool: bool, list: list, tuple: list, collections.abc.Sequence: list, dict: dict}
DATA = "the DATA of zfnet run, as the tasks understand it: a name, a directory that every task reaches, or gs://bucket/name."


@dataclasses.dataclass(frozen=True)
class Choice:
    """A value that a step was declared with, and that may be replaced by another one.

    Args:
        type: str, int, float, bool, list or dict.
        value: what the step was declared with; not None.
        topic: what it is called where several steps share it.
        description: what it is, in one line.
    """

    type: type
    value: Any
    topic: str
    description: str = dataclasses.field(compare=False)


def choices(step: Step) -> dict[str, Choice]:
    """The parameters and settings that a step was given as values, by name.

    Excludes arguments that are None (some back ends drop them) and callable settings (evaluated in the task).

    Raises:
        ValueError: a value is of a type that Kubeflow does not pass to tasks.
    """
    hints = typing.get_type_hints(step.function)
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
    """Whether a task must know the directory of the runs: for a setting that is a function, or for photographs to be opened."""
    return any(inspect.isfunction(value) or isinstance(value, NamedData) for value in _given(step).values())


def shared_choices(steps: Sequence[Step]) -> dict[str, dict[str, str]]:
    """Gives names to the choices of a whole pipeline.

    Choices of several steps that have the same name and value are one, such as the seed. Where the values differ, each has the name of its
    step before its own: `trainer_seed`.

    Args:
        steps: the pipeline.

    Returns:
        For each step, by its name, the names in the pipeline of its choices, by their names in the step.
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
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    kinds = [kind for kind in (typing.get_args(hint) if is_union else (hint,)) if kind is not types.NoneType]
    parameter_type = PARAMETER_TYPES.get(typing.get_origin(kinds[0]) or kinds[0]) if len(kinds) == 1 else None
    if parameter_type is None:
        raise ValueError(
            f"Step {step.name}, argument {name!r}: {hint} can't be passed to a task of Kubeflow; expected one of "
            f"{', '.join(kind.__name__ for kind in PARAMETER_TYPES)}, or None as well. Give a setting as a function of the plan instead."
        )
    return Choice(parameter_type, list(value) if parameter_type is list else value, name, description)
