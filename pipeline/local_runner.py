"""Runs the steps of a pipeline one after the other in this process, and only those that have something new to do."""

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
import sqlalchemy as sql
from etils import epath

from zfnet.components import artifacts
from zfnet.components.data.storage import is_remote
from zfnet.pipeline import metadata
from zfnet.pipeline.duration import duration
from zfnet.pipeline.error_message import error_message
from zfnet.pipeline.execution_plan import ExecutionPlan
from zfnet.pipeline.library_versions import library_versions
from zfnet.pipeline.metadata_database import open_metadata
from zfnet.pipeline.root_lock import root_lock
from zfnet.pipeline.snake_case import snake_case
from zfnet.pipeline.source_commit import source_commit
from zfnet.pipeline.step import OutputOf, Step

# How often to look for a number that is free while runs under other roots of the same database take numbers too.
NUMBER_TRIES = 20


@dataclass(frozen=True)
class StepResult:
    """What became of a step in a run.

    Args:
        outputs: its artifacts by name; empty if it failed.
        seconds: how long it took now, next to nothing if it was found unchanged.
        cached: whether an earlier execution was found that needn't be redone.
        error: why it failed, or None.
    """

    outputs: dict[str, artifacts.Artifact]
    seconds: float
    cached: bool
    error: str | None = None


class LocalRunner:
    """Runs steps under one root, to be used in a `with` statement, during which no other process can.

    An execution writes into ROOT/<step>/<number>.partial, which becomes ROOT/<step>/<number> when the step's function has returned,
    and is only then recorded. A remote storage can't rename directories: there it writes into ROOT/<step>/<number> at once, and being
    recorded is what counts. So whatever a step leaves that dies is never taken for its output; it is removed at once, or by the next run.

    Args:
        root: the directory for everything, made if missing.
        command: the command line to record.
        metadata_url: the database to record in, see `open_metadata`; None for the root's own.
        wait: whether to wait for another process that holds the root.

    Attributes:
        results: what became of the steps so far, by name.
    """

    def __init__(self, root: epath.PathLike, command: str, metadata_url: str | None = None, wait: bool = False):
        self.root = epath.Path(root)
        self.results: dict[str, StepResult] = {}
        self._command, self._metadata_url, self._wait = command, metadata_url, wait
        self._made: dict[OutputOf, metadata.Artifact] = {}
        self._plans: dict[Step, ExecutionPlan] = {}

    def __enter__(self) -> "LocalRunner":
        with contextlib.ExitStack() as stack:
            stack.enter_context(root_lock(self.root, self._command, wait=self._wait))
            self._session = stack.enter_context(open_metadata(self.root, self._metadata_url))
            self._clean_up_after_the_dead()
            self._context = metadata.Context(root=self._session.root, command=self._command, status="running")
            self._session.add(self._context)
            self._session.commit()
            self._start = time.monotonic()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        with self._stack:
            self._context.seconds = time.monotonic() - self._start
            self._context.status = "failed" if error else "done"
            self._session.commit()

    def run(self, steps: Sequence[Step]) -> dict[str, StepResult]:
        """Runs `steps` in their order, each of them unless an equal execution is recorded and its outputs are whole.

        Args:
            steps: a pipeline, or the next part of it.

        Returns:
            The results of all steps so far, by name.

        Raises:
            ValueError: two steps have the same name, or one takes the output of a step that doesn't come before it. Nothing was run then.
        """
        known = set(self._plans)
        for step in steps:
            if step.name in {other.name for other in known}:
                raise ValueError(f"Two steps of the pipeline are named {step.name}.")
            for name, reference in step.values("input").items():
                if reference is not None and reference.step not in known:
                    raise ValueError(f"Step {step.name}, argument {name!r}: {reference.step.name} does not come before it in the pipeline.")
            known.add(step)
        width = max((len(step.name) for step in steps), default=0)
        for step in steps:
            self._run_step(step, step.name.ljust(width))
        return self.results

    def _run_step(self, step: Step, title: str) -> None:
        start = time.monotonic()
        plan = self._plan(step)
        self._plans[step] = plan
        execution = self._find_unchanged(plan)
        cached = execution is not None
        if cached:
            self._associate(execution, cached)
            self._session.commit()
            click.echo(f"{click.style(title, dim=True)}  unchanged")
        else:
            click.echo(f"{click.style(title, bold=True)}  started")
            execution = self._begin(plan)
            try:
                self._execute(execution, plan)
            except BaseException as error:
                self._remove(execution)
                seconds, message = time.monotonic() - start, error_message(error)
                self.results[step.name] = StepResult({}, seconds, cached, message)
                click.echo(f"{click.style(title, fg='red')}  failed after {duration(seconds)}")
                self._session.rollback()
                execution.status, execution.seconds, execution.error = "failed", seconds, message
                self._session.commit()
                raise
            click.echo(f"{click.style(title, fg='green')}  done in {duration(time.monotonic() - start)}")
        made = execution.artifacts("output")
        self._made.update({step.output(name): artifact for name, artifact in made.items()})
        self.results[step.name] = StepResult(self._open(step, made), time.monotonic() - start, cached)

    def _plan(self, step: Step) -> ExecutionPlan:
        references = {name: reference for name, reference in step.values("input").items() if reference is not None}
        return ExecutionPlan(
            step,
            inputs={name: self.results[source.step.name].outputs[source.name] for name, source in references.items()},
            digests={name: self._made[source].digest for name, source in references.items()},
            upstream={name: self._plans[source.step] for name, source in references.items()},
        )

    def _find_unchanged(self, plan: ExecutionPlan) -> metadata.Execution | None:
        for execution in self._session.executions(key=plan.key(), status="done"):
            made = execution.artifacts("output")
            if all(artifact.is_whole(self.root) for artifact in made.values()) and plan.step.still_holds(self._open(plan.step, made)):
                return execution
        return None

    def _begin(self, plan: ExecutionPlan) -> metadata.Execution:
        for tries_left in reversed(range(NUMBER_TRIES)):
            execution = self._describe(plan)
            self._associate(execution, cached=False)
            try:
                self._session.commit()
            except sql.exc.IntegrityError:
                self._session.rollback()
                if not tries_left:
                    raise
            else:
                break
        return execution

    def _describe(self, plan: ExecutionPlan) -> metadata.Execution:
        parameters = plan.step.values("parameter")
        execution = metadata.Execution(
            id=self._free_number(plan.step.name),
            root=self._session.root,
            step=plan.step.name,
            key=plan.key(),
            status="running",
            parameters={name: _recorded(value) for name, value in parameters.items()},
            fingerprints={name: value.fingerprint() for name, value in parameters.items() if hasattr(value, "fingerprint")},
            code_version=plan.code_version,
            source_commit=source_commit(),
            versions=library_versions(),
        )
        for name, reference in plan.step.values("input").items():
            if reference is not None:
                execution.events.append(metadata.Event(artifact=self._made[reference], direction="input", name=name))
        return execution

    def _free_number(self, step: str) -> int:
        """A number that is free in the directory too, should the database have been deleted."""
        last = self._session.scalar(sql.select(sql.func.max(metadata.Execution.id))) or 0
        directory = self.root / snake_case(step)
        entries = directory.iterdir() if directory.exists() else ()
        return max([last, *(int(number[0]) for entry in entries if (number := re.match(r"\d+", entry.name)))]) + 1

    def _execute(self, execution: metadata.Execution, plan: ExecutionPlan) -> None:
        """Calls the step's function and records what it wrote."""
        start = time.monotonic()
        step, partial, complete = plan.step, self._directory(execution, ".partial"), self._directory(execution)
        outputs = {name: artifact_type(partial / name) for name, artifact_type in step.output_types.items()}
        if partial != complete:  # A remote storage has no empty directories.
            for output in outputs.values():
                output.path.mkdir(parents=True)
        # While the step is at work, no transaction keeps a connection: that may be hours.
        self._session.commit()
        plan.execute(outputs)
        if partial != complete:
            partial.rename(complete)
        for name, artifact_type in step.output_types.items():
            output = artifact_type(complete / name)
            artifact = metadata.Artifact(
                kind=artifact_type.__name__,
                path=str((complete / name).relative_to(self.root)),
                digest=output.digest(),
                files=output.sizes(),
                properties=output.properties(),
            )
            execution.events.append(metadata.Event(artifact=artifact, direction="output", name=name))
        execution.status, execution.seconds = "done", time.monotonic() - start
        self._session.commit()

    def _open(self, step: Step, made: dict[str, metadata.Artifact]) -> dict[str, artifacts.Artifact]:
        return {name: step.output_types[name](self.root / artifact.path) for name, artifact in made.items()}

    def _associate(self, execution: metadata.Execution, cached: bool) -> None:
        self._context.associations.append(metadata.Association(execution=execution, cached=cached))

    def _directory(self, execution: metadata.Execution, suffix: str = "") -> epath.Path:
        return self.root / f"{execution.directory}{'' if is_remote(str(self.root)) else suffix}"

    def _remove(self, execution: metadata.Execution) -> None:
        """Removes what an execution wrote that did not come to be recorded, before or after it was renamed."""
        for suffix in (".partial", ""):
            with contextlib.suppress(OSError):  # What went wrong before is what counts.
                self._directory(execution, suffix).rmtree(missing_ok=True)

    def _clean_up_after_the_dead(self) -> None:
        """Removes what executions left whose process was killed: they are recorded as running, and nobody else holds the root."""
        for execution in list(self._session.executions(status="running")):
            self._remove(execution)
            execution.status, execution.error = "failed", "Its process ended before it did."
        for context in list(self._session.contexts(status="running")):
            context.status = "failed"
        self._session.commit()


def _recorded(value: Any) -> Any:
    return str(value) if hasattr(value, "fingerprint") else value
