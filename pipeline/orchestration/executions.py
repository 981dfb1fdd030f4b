"""The executions under a root: their records and their directories, which belong together however a process ends."""

import contextlib
import re
import time
from typing import Any

import sqlalchemy as sql
from etils import epath

from zfnet.components import artifacts
from zfnet.components.storage.files import is_remote
from zfnet.pipeline.libraries import library_versions
from zfnet.pipeline.orchestration import metadata
from zfnet.pipeline.orchestration.code_version import source_commit
from zfnet.pipeline.orchestration.step import ExecutionPlan, Step, snake_case

# How often to look for a number that is free while runs under other roots of the same database take numbers too.
NUMBER_TRIES = 20


class Executions:
    """What was and is executed under one root, in one run after the other.

    An execution writes into ROOT/<step>/<number>.partial, which becomes ROOT/<step>/<number> when the step's function has returned,
    and is only then recorded. A remote storage can't rename directories: there it writes into ROOT/<step>/<number> at once, and being
    recorded is what counts. So whatever a step leaves that dies is never taken for its output; it is removed at once, or by the next run.

    Args:
        root: the directory for everything, which this process holds.
        session: what is recorded.
        command: the command line of this run.
    """

    def __init__(self, root: epath.Path, session: metadata.Metadata, command: str) -> None:
        self._root, self._session = root, session
        self._clean_up_after_the_dead()
        self._context = metadata.Context(root=session.root, command=command, status="running")
        self._start = time.monotonic()
        session.add(self._context)
        session.commit()

    def end(self, status: str) -> None:
        """Records how the run ended, "done" or "failed"."""
        self._context.seconds, self._context.status = time.monotonic() - self._start, status
        self._session.commit()

    def find_unchanged(self, plan: ExecutionPlan) -> metadata.Execution | None:
        """Finds an execution like the one that is planned, whose outputs are whole; it belongs to this run too then."""
        for execution in self._session.executions(key=plan.key(), status="done"):
            whole = all(artifact.is_whole(self._root) for artifact in execution.artifacts("output").values())
            if whole and plan.step.still_holds(self.outputs(plan.step, execution)):
                self._associate(execution, cached=True)
                self._session.commit()
                return execution
        return None

    def begin(self, plan: ExecutionPlan, inputs: dict[str, metadata.Artifact]) -> metadata.Execution:
        """Records that an execution begins.

        Args:
            plan: what is executed.
            inputs: the records of its inputs, by name.

        Returns:
            Its record, with a number of its own.
        """
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
        # While the step is at work, no transaction keeps a connection: that may be hours.
        self._session.commit()
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
        """Removes what an execution wrote that failed, and records why it did."""
        self._remove(execution)
        self._session.rollback()
        execution.status, execution.seconds, execution.error = "failed", seconds, message
        self._session.commit()

    def outputs(self, step: Step, execution: metadata.Execution) -> dict[str, artifacts.Artifact]:
        """The artifacts that an execution of a step wrote, by name."""
        made = execution.artifacts("output")
        return {name: step.output_types[name](self._root / artifact.path) for name, artifact in made.items()}

    def seconds(self, execution: metadata.Execution) -> float:
        """How long an execution took that is done, with attempts right before it that failed or were interrupted, but not killed."""
        total = execution.seconds or 0.0
        for earlier in self._session.executions(key=execution.key):
            if earlier.id < execution.id:
                if earlier.status == "done":
                    break
                total += earlier.seconds or 0
        return total

    def _describe(self, plan: ExecutionPlan, inputs: dict[str, metadata.Artifact]) -> metadata.Execution:
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
        execution.events += [metadata.Event(artifact=artifact, direction="input", name=name) for name, artifact in inputs.items()]
        return execution

    def _free_number(self, step: str) -> int:
        """A number that is free in the directory too, should the database have been deleted."""
        last = self._session.scalar(sql.select(sql.func.max(metadata.Execution.id))) or 0
        directory = self._root / snake_case(step)
        entries = directory.iterdir() if directory.exists() else ()
        return max([last, *(int(number[0]) for entry in entries if (number := re.match(r"\d+", entry.name)))]) + 1

    def _associate(self, execution: metadata.Execution, cached: bool) -> None:
        self._context.associations.append(metadata.Association(execution=execution, cached=cached))

    def _directory(self, execution: metadata.Execution, suffix: str = "") -> epath.Path:
        return self._root / f"{execution.directory}{'' if is_remote(str(self._root)) else suffix}"

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
