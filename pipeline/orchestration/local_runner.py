"""Runs the steps of a pipeline in this process, but only those whose inputs changed."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import click
from etils import epath

from zfnet.components.artifacts import Artifact
from zfnet.pipeline.messages import duration, error_message
from zfnet.pipeline.orchestration.executions import Executions
from zfnet.pipeline.orchestration.lock import root_lock
from zfnet.pipeline.orchestration.metadata import Execution, open_metadata
from zfnet.pipeline.orchestration.step import ExecutionPlan, OutputOf, Step


@dataclass(frozen=True)
class StepResult:
    """Result of a step in a run: its artifacts by name, or none and the message of its failure, `error`.

    `seconds` is its duration in this run, next to nothing if an earlier execution was reused (`cached`). `took` is the duration of that
    execution, see `Executions.seconds`; None if it failed.
    """

    outputs: dict[str, Artifact]
    seconds: float
    cached: bool
    error: str | None = None
    took: float | None = None


class LocalRunner:
    """Runs steps under one root, which is made if missing, and locked during a `with` statement.

    `command` is the command line to record, in the database `metadata_url`, see `open_metadata`; `wait` and `option` are as in `root_lock`.
    `results` holds the results of the steps so far, by name; if several steps share a name, that of the last.
    """

    def __init__(
        self, root: epath.PathLike, command: str, metadata_url: str | None = None, wait: bool = False, option: str = "--root"
    ) -> None:
        self.root = epath.Path(root)
        self.results: dict[str, StepResult] = {}
        self._command, self._metadata_url, self._wait, self._option = command, metadata_url, wait, option
        self._plans: dict[Step, ExecutionPlan] = {}
        self._executed: dict[Step, Execution] = {}

    def __enter__(self) -> "LocalRunner":
        with contextlib.ExitStack() as stack:
            stack.enter_context(root_lock(self.root, self._command, self._option, self._wait))
            session = stack.enter_context(open_metadata(self.root, self._metadata_url))
            self._executions = Executions(self.root, session, self._command)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, error_type: object, error: object, traceback: object) -> None:
        with self._stack:
            self._executions.end("failed" if error else "done")

    def run(self, steps: Sequence[Step]) -> dict[str, StepResult]:
        """Runs each of `steps` in order unless an equal execution is recorded and its outputs are complete; returns `results`.

        `steps` are a pipeline, or the next part of it. Steps of different parts may share a name.

        Raises:
            ValueError: two steps have the same name, or one takes the output of a step that doesn't come before it. No step was run then.
        """
        known = set(self._plans)
        for position, step in enumerate(steps):
            if step.name in {other.name for other in steps[:position]}:
                raise ValueError(f"Two steps of the pipeline are named {step.name}.")
            for name, reference in _references(step).items():
                if reference.step not in known:
                    raise ValueError(f"Step {step.name}, argument {name!r}: {reference.step.name} does not come before it in the pipeline.")
            known.add(step)
        width = max((len(step.name) for step in steps), default=0)
        for step in steps:
            self._run_step(step, step.name.ljust(width))
        return self.results

    def plan(self, step: Step) -> ExecutionPlan:
        """The plan of a step that was run."""
        return self._plans[step]

    def _run_step(self, step: Step, title: str) -> None:
        start = time.monotonic()
        references = _references(step)
        records = {name: self._executed[source.step].artifacts("output")[source.name] for name, source in references.items()}
        plan = self._plans[step] = ExecutionPlan(
            step,
            inputs={name: source.type(self.root / records[name].path) for name, source in references.items()},
            digests={name: record.digest for name, record in records.items()},
            upstream={name: self._plans[source.step] for name, source in references.items()},
        )
        execution = self._executions.find_unchanged(plan)
        cached = execution is not None
        if execution is not None:
            click.echo(f"{click.style(title, dim=True)}  unchanged")
        else:
            click.echo(f"{click.style(title, bold=True)}  started")
            execution = self._executions.begin(plan, records)
            try:
                self._executions.execute(execution, plan)
            except BaseException as error:
                seconds, message = time.monotonic() - start, error_message(error)
                self.results[step.name] = StepResult({}, seconds, cached, message)
                click.echo(f"{click.style(title, fg='red')}  failed after {duration(seconds)}")
                self._executions.discard(execution, message, seconds)
                raise
            click.echo(f"{click.style(title, fg='green')}  done in {duration(time.monotonic() - start)}")
        self._executed[step] = execution
        outputs, took = self._executions.outputs(step, execution), self._executions.seconds(execution)
        self.results[step.name] = StepResult(outputs, time.monotonic() - start, cached, took=took)


def _references(step: Step) -> dict[str, OutputOf]:
    """The outputs of other steps that a step takes, by argument; an optional input that was left out is missing."""
    return {name: reference for name, reference in step.values("input").items() if reference is not None}
