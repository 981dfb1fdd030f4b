"""The executions under a root: keeps their records and their directories consistent however a process ends."""

import contextlib
import re
import time

import click
import sqlalchemy as sql
from etils import epath

from zfnet.components import artifacts
from zfnet.components.storage.files import is_remote
from zfnet.pipeline.orchestration import metadata
from zfnet.pipeline.orchestration.step import ExecutionPlan, Step, snake_case
from zfnet.pipeline.orchestration.versions import library_versions, source_commit

NUMBER_TRIES = 20  # attempts to get a free number while runs under other roots of the same database take numbers too


class Executions:
    """The executions of one run with its command line, and of earlier runs under the same root, which this process has locked.

    An execution writes into ROOT/<step>/<number>.partial, which is renamed to ROOT/<step>/<number> when the step's function has returned,
    and only then recorded as done. A remote storage can't rename directories: there it writes into ROOT/<step>/<number> at once. So the
    files of a step that failed are never taken for its outputs; they are removed at once, or by the next run if the process was killed.
    """

    def __init__(self, root: epath.Path, session: metadata.Metadata, command: str) -> None:
        self._root, self._session = root, session
        self._clean_up_after_the_dead()
        self._context = metadata.Context(root=session.root, command=command, status="running")
        self._start = time.monotonic()
        session.add(self._context)
        session.commit()

    def end(self, status: str) -> None:
        """Records that the run ended as "done" or "failed"."""
        self._context.seconds, self._context.status = time.monotonic() - self._start, status
        self._session.commit()

    def find_unchanged(self, plan: ExecutionPlan) -> metadata.Execution | None:
        """Finds an execution equal to the planned one whose outputs are complete and unaltered, and adds it to this run."""
        for execution in self._session.executions(key=plan.key(), status="done"):
            if self._is_intact(plan.step, execution) and plan.step.still_holds(self.outputs(plan.step, execution)):
                self._associate(execution, cached=True)
                self._session.commit()
                return execution
        return None

    def begin(self, plan: ExecutionPlan, inputs: dict[str, metadata.Artifact]) -> metadata.Execution:
        """Records that the planned execution begins, with the records of its inputs by name, and returns its record."""
        for tries_left in reversed(range(NUMBER_TRIES)):
            execution = self._describe(plan, inputs)
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

    def execute(self, execution: metadata.Execution, plan: ExecutionPlan) -> None:
        """Calls the step's function and records what it wrote."""
        start = time.monotonic()
        step, partial, complete = plan.step, self._directory(execution, ".partial"), self._directory(execution)
        outputs = {name: artifact_type(partial / name) for name, artifact_type in step.output_types.items()}
        if partial != complete:  # A remote storage has no empty directories.
            for output in outputs.values():
                output.path.mkdir(parents=True)
        self._session.commit()  # No transaction may keep a connection open during the step, which may take hours.
        plan.execute(outputs)
        if partial != complete:
            partial.rename(complete)
        for name, artifact_type in step.output_types.items():
            output = artifact_type(complete / name)
            artifact = metadata.Artifact(
                kind=artifact_type.__name__,
                path=str((complete / name).relative_to(self._root)),
                digest=output.digest(),
                files=output.sizes(),
                properties=output.properties(),
            )
            execution.events.append(metadata.Event(artifact=artifact, direction="output", name=name))
        execution.status, execution.seconds = "done", time.monotonic() - start
        self._session.commit()

    def discard(self, execution: metadata.Execution, message: str, seconds: float) -> None:
        """Removes the files of a failed execution and records its error message."""
        self._remove(execution)
        self._session.rollback()
        execution.status, execution.seconds, execution.error = "failed", seconds, message
        self._session.commit()

    def outputs(self, step: Step, execution: metadata.Execution) -> dict[str, artifacts.Artifact]:
        """The artifacts that an execution of a step wrote, by name."""
        written = execution.artifacts("output")
        return {name: step.output_types[name](self._root / artifact.path) for name, artifact in written.items()}

    def seconds(self, execution: metadata.Execution) -> float:
        """Duration of a completed execution, with the attempts right before it that failed or were interrupted, but not killed."""
        total = execution.seconds or 0.0
        for earlier in self._session.executions(key=execution.key):
            if earlier.id < execution.id:
                if earlier.status == "done":
                    break
                total += earlier.seconds or 0
        return total

    def _is_intact(self, step: Step, execution: metadata.Execution) -> bool:
        """Whether all outputs have their files and, on a local disk, their digests; says so if one is damaged."""
        for name, record in execution.artifacts("output").items():
            if not record.is_whole(self._root):
                return False
            output = step.output_types[name](self._root / record.path)
            if not is_remote(output.path) and output.digest() != record.digest:
                click.echo(f"{output.path} was altered or is damaged: it is made again.")
                return False
        return True

    def _describe(self, plan: ExecutionPlan, inputs: dict[str, metadata.Artifact]) -> metadata.Execution:
        parameters = plan.step.values("parameter")
        objects = {name: value for name, value in parameters.items() if hasattr(value, "fingerprint")}
        execution = metadata.Execution(
            id=self._free_number(plan.step.name),
            root=self._session.root,
            step=plan.step.name,
            key=plan.key(),
            status="running",
            parameters={**parameters, **{name: str(value) for name, value in objects.items()}},
            fingerprints={name: value.fingerprint() for name, value in objects.items()},
            code_version=plan.code_version,
            source_commit=source_commit(),
            versions=library_versions(),
        )
        execution.events += [metadata.Event(artifact=artifact, direction="input", name=name) for name, artifact in inputs.items()]
        return execution

    def _free_number(self, step: str) -> int:
        """A number that is also free in the directory, in case the database was deleted."""
        last = self._session.scalar(sql.select(sql.func.max(metadata.Execution.id))) or 0
        directory = self._root / snake_case(step)
        entries = directory.iterdir() if directory.exists() else ()
        return max([last, *(int(number[0]) for entry in entries if (number := re.match(r"\d+", entry.name)))]) + 1

    def _associate(self, execution: metadata.Execution, cached: bool) -> None:
        self._context.associations.append(metadata.Association(execution=execution, cached=cached))

    def _directory(self, execution: metadata.Execution, suffix: str = "") -> epath.Path:
        return self._root / f"{execution.directory}{'' if is_remote(str(self._root)) else suffix}"

    def _remove(self, execution: metadata.Execution) -> None:
        """Removes the directory of an execution, before or after it was renamed."""
        for suffix in (".partial", ""):
            with contextlib.suppress(OSError):  # The error of the step is more important.
                self._directory(execution, suffix).rmtree(missing_ok=True)

    def _clean_up_after_the_dead(self) -> None:
        """Removes the files of executions whose process was killed: they are recorded as running, and no other process holds the root."""
        for execution in list(self._session.executions(status="running")):
            self._remove(execution)
            execution.status, execution.error = "failed", "The process ended before this execution was complete."
        for context in list(self._session.contexts(status="running")):
            context.status = "failed"
        self._session.commit()
