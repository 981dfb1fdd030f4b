"""Runs the steps of a pipeline in this process, and only those whose inputs changed."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import click
from etils import epath

from zfnet.components.artifacts import Artifact
from zfnet.pipeline.messages import duration, error_message
from zfnet.pipeline.orchestration import metadata
from zfnet.pipeline.orchestration.database import open_metadata
from zfnet.pipeline.orchestration.executions import Executions
from zfnet.pipeline.orchestration.lock import root_lock
from zfnet.pipeline.orchestration.step import ExecutionPlan, OutputOf, Step


@dataclass(frozen=True)
class StepResult:
    """What became of a step in a run.

    Args:
        outputs: its artifacts by name; empty if it failed.
        seconds: how long it took now, next to nothing if it was found unchanged.
        cached: whether an earlier execution was found that needn't be redone.
        error: why it failed, or None.
        took: how long it took whenever that was, together with attempts right before it that failed or were interrupted; None if it failed.
    """

    outputs: dict[str, Artifact]
    seconds: float
    cached: bool
    error: str | None = None
    took: float | None = None


class LocalRunner:
    """Runs steps under one root, to be used in a `with` statement, during which no other process can.

    Args:
        root: the directory for everything, made if missing.
        command: the command line to record.
        metadata_url: the database to record in, see `open_metadata`; None for the root's own.
        wait: whether to wait for another process that holds the root.
        option: the option by which the root is given, for messages.

    Attributes:
        results: what became of the steps so far, by name; of several steps of one name, that of the last.
    """

    def __init__(
        self, root: epath.PathLike, command: str, metadata_url: str | None = None, wait: bool = False, option: str = "--root"
    ) -> None:
        self.root = epath.Path(root)
        self.results: dict[str, StepResult] = {}
        self._command, self._metadata_url, self._wait, self._option = command, metadata_url, wait, option
        self._made: dict[OutputOf, metadata.Artifact] = {}
        self._outputs: dict[OutputOf, Artifact] = {}
        self._plans: dict[Step, ExecutionPlan] = {}

    def __enter__(self) -> "LocalRunner":
        with contextlib.ExitStack() as stack:
            stack.enter_context(root_lock(self.root, self._command, self._option, self._wait))
            session = stack.enter_context(open_metadata(self.root, self._metadata_url))
            self._executions = Executions(self.root, session, self._command)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        with self._stack:
            self._executions.end("failed" if error else "done")

    def run(self, steps: Sequence[Step]) -> dict[str, StepResult]:
        """Runs `steps` in their order, each of them unless an equal execution is recorded and its outputs are whole.

        Args:
            steps: a pipeline, or the next part of it. In several parts, steps may have the same name, such as a Trainer each.

        Returns:
            `results`.

        Raises:
            ValueError: two steps have the same name, or one takes the output of a step that doesn't come before it. Nothing was run then.
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
        """The plan by which `step` was executed or found unchanged."""
        return self._plans[step]

    def _run_step(self, step: Step, title: str) -> None:
        start = time.monotonic()
        plan = self._plan(step)
        self._plans[step] = plan
        execution = self._executions.find_unchanged(plan)
        cached = execution is not None
        if execution is not None:
            click.echo(f"{click.style(title, dim=True)}  unchanged")
        else:
            click.echo(f"{click.style(title, bold=True)}  started")
            execution = self._executions.begin(plan, {name: self._made[reference] for name, reference in _references(step).items()})
            try:
                self._executions.execute(execution, plan)
            except BaseException as error:
                seconds, message = time.monotonic() - start, error_message(error)
                self.results[step.name] = StepResult({}, seconds, cached, message)
                click.echo(f"{click.style(title, fg='red')}  failed after {duration(seconds)}")
                self._executions.discard(execution, message, seconds)
                raise
            click.echo(f"{click.style(title, fg='green')}  done in {duration(time.monotonic() - start)}")
        outputs = self._executions.outputs(step, execution)
        self._made.update({step.output(name): artifact for name, artifact in execution.artifacts("output").items()})
        self._outputs.update({step.output(name): output for name, output in outputs.items()})
        took = self._executions.seconds(execution)
        self.results[step.name] = StepResult(outputs, time.monotonic() - start, cached, took=took)

    def _plan(self, step: Step) -> ExecutionPlan:
        references = _references(step)
        return ExecutionPlan(
            step,
            inputs={name: self._outputs[source] for name, source in references.items()},
            digests={name: self._made[source].digest for name, source in references.items()},
            upstream={name: self._plans[source.step] for name, source in references.items()},
        )


def _references(step: Step) -> dict[str, OutputOf]:
    """What a step takes from others, by argument; an optional input that was left out is missing."""
    return {name: reference for name, reference in step.values("input").items() if reference is not None}
