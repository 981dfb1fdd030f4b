"""What ran, from what, into what: a database in the terms of ML Metadata.

An execution of a step has events, each of which ties it to an artifact as an input or an output. A context is one `zfnet run`; an
association says that an execution belongs to it, made by it or found unchanged. One database may hold several roots, each by its name.
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
    """The tables. A column that came later has a default in the database, which rows from before it get when it is added."""

    type_annotation_map = {dict: sql.JSON}  # noqa: RUF012


class Execution(Base):
    """One run of a step's function.

    `root` is the name of the root that it ran under, see `zfnet.pipeline.orchestration.database`; "" in a root's own database. `key`
    finds an equal execution; `status` is "running", "done" or "failed", and `error` says why it failed. `fingerprints` holds, for
    parameters that are objects, what stands for their contents: for a data set its version. `source_commit` is git's name for the
    source, where it is a checkout.
    """

    __tablename__ = "execution"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    root: orm.Mapped[str] = orm.mapped_column(default="", server_default="")
    step: orm.Mapped[str]
    key: orm.Mapped[str] = orm.mapped_column(index=True)
    status: orm.Mapped[str]
    started: orm.Mapped[str] = orm.mapped_column(default=now)
    seconds: orm.Mapped[float | None]
    parameters: orm.Mapped[dict]
    fingerprints: orm.Mapped[dict] = orm.mapped_column(default=dict, server_default="{}")
    code_version: orm.Mapped[str]
    source_commit: orm.Mapped[str | None]
    versions: orm.Mapped[dict]
    error: orm.Mapped[str | None]
    events: orm.Mapped[list[Event]] = orm.relationship(back_populates="execution", order_by="Event.id")

    @property
    def directory(self) -> str:
        """Where it writes, below the root, which also names it to people: `example_gen/1`."""
        return f"{snake_case(self.step)}/{self.id}"

    def artifacts(self, direction: str) -> dict[str, Artifact]:
        """Its artifacts of one direction, "input" or "output", by name."""
        return {event.name: event.artifact for event in self.events if event.direction == direction}


class Artifact(Base):
    """A directory that an execution wrote: its class, its path below the root, its digest, and the size of every file in it.

    `properties` is the little that is worth knowing without the files, see `zfnet.components.artifacts.Artifact.properties`.
    """

    __tablename__ = "artifact"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    kind: orm.Mapped[str]
    path: orm.Mapped[str]
    digest: orm.Mapped[str]
    files: orm.Mapped[dict]
    properties: orm.Mapped[dict] = orm.mapped_column(default=dict, server_default="{}")

    def is_whole(self, root: epath.PathLike) -> bool:
        """Whether every file is still there with its size."""
        there = artifacts.Artifact(epath.Path(root) / self.path).sizes()
        return all(there.get(name) == size for name, size in self.files.items())


class Event(Base):
    """`execution` took or made `artifact` (`direction` "input" or "output") as its argument `name`."""

    __tablename__ = "event"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    execution_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("execution.id"), index=True)
    artifact_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("artifact.id"), index=True)
    direction: orm.Mapped[str]
    name: orm.Mapped[str]
    execution: orm.Mapped[Execution] = orm.relationship(back_populates="events")
    artifact: orm.Mapped[Artifact] = orm.relationship()


class Context(Base):
    """One `zfnet run` under `root`: its command line, and what it ran or found unchanged."""

    __tablename__ = "context"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    root: orm.Mapped[str] = orm.mapped_column(default="", server_default="")
    command: orm.Mapped[str]
    status: orm.Mapped[str]
    started: orm.Mapped[str] = orm.mapped_column(default=now)
    seconds: orm.Mapped[float | None]
    associations: orm.Mapped[list[Association]] = orm.relationship(back_populates="context", order_by="Association.id")


class Association(Base):
    """`execution` belongs to `context`, which found it unchanged if `cached` and else made it."""

    __tablename__ = "association"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    context_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("context.id"), index=True)
    execution_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("execution.id"))
    cached: orm.Mapped[bool]
    context: orm.Mapped[Context] = orm.relationship(back_populates="associations")
    execution: orm.Mapped[Execution] = orm.relationship()


class Metadata(orm.Session):
    """What is recorded of one root.

    Args:
        engine: the database.
        root: name of the root in it.
    """

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
    """Everything that is recorded of an execution, as JSON holds it; inputs and outputs by the name of the argument."""
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
    """An artifact as JSON holds it; its path is below the root."""
    return {"kind": artifact.kind, "path": artifact.path, "digest": artifact.digest, "properties": artifact.properties}
