"""Tables of executions and artifacts, after ML Metadata.

An execution of a step has events, each of which joins it to an artifact as an input or an output. A context is one `zfnet run`; an
association joins it to an execution that it made or found unchanged. One database may hold several roots, each with its name.
"""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sql
from etils import epath
from sqlalchemy import orm

from zfnet.components import artifacts
from zfnet.pipeline.orchestration.step import snake_case


def now() -> str:
    """This moment as it is recorded: UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class Base(orm.DeclarativeBase):
    """A table, named after its class, whose rows have numbers."""

    type_annotation_map = {dict: sql.JSON}  # noqa: RUF012

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True, sort_order=-1)

    @orm.declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805
        return cls.__name__.lower()


class Execution(Base):
    """One run of a step's function.

    `root` is the name of its root, see `root_name`; "" in a root's own database. Equal executions have equal keys; `status` is "running",
    "done" or "failed", and `error` is the message of the failure. `fingerprints` holds the version of each parameter that is an object,
    such as a data set. `source_commit` is the git commit of a checkout.
    """

    root: orm.Mapped[str] = orm.mapped_column(default="")
    step: orm.Mapped[str]
    key: orm.Mapped[str] = orm.mapped_column(index=True)
    status: orm.Mapped[str]
    started: orm.Mapped[str] = orm.mapped_column(default=now)
    seconds: orm.Mapped[float | None]
    parameters: orm.Mapped[dict]
    fingerprints: orm.Mapped[dict] = orm.mapped_column(default=dict)
    code_version: orm.Mapped[str]
    source_commit: orm.Mapped[str | None]
    versions: orm.Mapped[dict]
    error: orm.Mapped[str | None]
    events: orm.Mapped[list[Event]] = orm.relationship(back_populates="execution", order_by="Event.id")

    @property
    def directory(self) -> str:
        """Output directory, relative to the root: `example_gen/1`. Messages name the execution by it."""
        return f"{snake_case(self.step)}/{self.id}"

    def artifacts(self, direction: str) -> dict[str, Artifact]:
        """Its artifacts of one direction, "input" or "output", by name."""
        return {event.name: event.artifact for event in self.events if event.direction == direction}


class Artifact(Base):
    """A directory that an execution wrote: its class, path below the root, digest, `properties`, and the size in bytes of every file."""

    kind: orm.Mapped[str]
    path: orm.Mapped[str]
    digest: orm.Mapped[str]
    files: orm.Mapped[dict]
    properties: orm.Mapped[dict] = orm.mapped_column(default=dict)

    def is_whole(self, root: epath.PathLike) -> bool:
        """Whether every file still exists with its size."""
        sizes = artifacts.Artifact(epath.Path(root) / self.path).sizes()
        return all(sizes.get(name) == size for name, size in self.files.items())


class Event(Base):
    """`execution` took or made `artifact` (`direction` "input" or "output") as its argument `name`."""

    execution_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("execution.id"), index=True)
    artifact_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("artifact.id"), index=True)
    direction: orm.Mapped[str]
    name: orm.Mapped[str]
    execution: orm.Mapped[Execution] = orm.relationship(back_populates="events")
    artifact: orm.Mapped[Artifact] = orm.relationship()


class Context(Base):
    """One run of a pipeline under `root`, with its command line."""

    root: orm.Mapped[str] = orm.mapped_column(default="")
    command: orm.Mapped[str]
    status: orm.Mapped[str]
    started: orm.Mapped[str] = orm.mapped_column(default=now)
    seconds: orm.Mapped[float | None]
    associations: orm.Mapped[list[Association]] = orm.relationship(back_populates="context", order_by="Association.id")


class Association(Base):
    """`execution` belongs to `context`, which found it unchanged if `cached` and else made it."""

    context_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("context.id"), index=True)
    execution_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("execution.id"))
    cached: orm.Mapped[bool]
    context: orm.Mapped[Context] = orm.relationship(back_populates="associations")
    execution: orm.Mapped[Execution] = orm.relationship()


class Metadata(orm.Session):
    """The records of one root; `root` is its name in the database."""

    def __init__(self, engine: sql.Engine, root: str) -> None:
        super().__init__(engine)
        self.root = root

    def executions(self, **having: Any) -> sql.ScalarResult[Execution]:
        """The executions under this root whose columns have these values, the latest first."""
        return self.scalars(sql.select(Execution).filter_by(root=self.root, **having).order_by(Execution.id.desc()))

    def contexts(self, **having: Any) -> sql.ScalarResult[Context]:
        """The runs under this root whose columns have these values, the earliest first."""
        return self.scalars(sql.select(Context).filter_by(root=self.root, **having).order_by(Context.id))


def execution_record(execution: Execution) -> dict[str, Any]:
    """Everything that is recorded of an execution, as JSON; inputs and outputs by the name of the argument."""
    return {
        "execution": execution.id,
        "directory": execution.directory,
        "step": execution.step,
        "status": execution.status,
        "started": execution.started,
        "seconds": execution.seconds,
        "error": execution.error,
        "parameters": execution.parameters,
        "fingerprints": execution.fingerprints,
        "code_version": execution.code_version,
        "source_commit": execution.source_commit,
        "versions": execution.versions,
        **{
            f"{direction}s": {name: artifact_record(artifact) for name, artifact in execution.artifacts(direction).items()}
            for direction in ("input", "output")
        },
    }


def artifact_record(artifact: Artifact) -> dict[str, Any]:
    """An artifact as JSON; its path is below the root."""
    return {"kind": artifact.kind, "path": artifact.path, "digest": artifact.digest, "properties": artifact.properties}
