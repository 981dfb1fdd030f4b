"""What ran, from what, into what: a database in the terms of ML Metadata.

An execution of a step has events, each of which ties it to an artifact as an input or an output. A context is one `zfnet run`; an
association says that an execution belongs to it, made by it or found unchanged.
"""

import datetime
import pathlib

import sqlalchemy as sql
from sqlalchemy import orm


def now() -> str:
    """This moment as it is recorded: UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class Base(orm.DeclarativeBase):
    """The tables."""

    type_annotation_map = {dict: sql.JSON}  # noqa: RUF012


class Execution(Base):
    """One run of a step's function.

    `key` is what an equal execution is found by; `status` is "running", "done" or "failed", and `error` says why it failed.
    """

    __tablename__ = "execution"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    step: orm.Mapped[str]
    key: orm.Mapped[str] = orm.mapped_column(index=True)
    status: orm.Mapped[str]
    started: orm.Mapped[str] = orm.mapped_column(default=now)
    seconds: orm.Mapped[float | None]
    parameters: orm.Mapped[dict]
    code_version: orm.Mapped[str]
    versions: orm.Mapped[dict]
    error: orm.Mapped[str | None]
    events: orm.Mapped[list["Event"]] = orm.relationship(back_populates="execution", order_by="Event.id")

    def artifacts(self, direction: str) -> dict[str, "Artifact"]:
        """Its artifacts of one direction, "input" or "output", by name."""
        return {event.name: event.artifact for event in self.events if event.direction == direction}


class Artifact(Base):
    """A directory that an execution wrote: its class, its path below the root, its digest, and the size of every file in it."""

    __tablename__ = "artifact"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    kind: orm.Mapped[str]
    path: orm.Mapped[str]
    digest: orm.Mapped[str]
    files: orm.Mapped[dict]

    def is_whole(self, root: pathlib.Path) -> bool:
        """Whether every file is still there with its size."""
        files = ((root / self.path / name, size) for name, size in self.files.items())
        return all(file.is_file() and file.stat().st_size == size for file, size in files)


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
    """One `zfnet run`: its command line, and what it ran or found unchanged."""

    __tablename__ = "context"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    command: orm.Mapped[str]
    status: orm.Mapped[str]
    started: orm.Mapped[str] = orm.mapped_column(default=now)
    seconds: orm.Mapped[float | None]
    associations: orm.Mapped[list["Association"]] = orm.relationship(back_populates="context", order_by="Association.id")


class Association(Base):
    """`execution` belongs to `context`, which found it unchanged if `cached` and else made it."""

    __tablename__ = "association"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    context_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("context.id"), index=True)
    execution_id: orm.Mapped[int] = orm.mapped_column(sql.ForeignKey("execution.id"))
    cached: orm.Mapped[bool]
    context: orm.Mapped[Context] = orm.relationship(back_populates="associations")
    execution: orm.Mapped[Execution] = orm.relationship()


def open_metadata(root: pathlib.Path) -> orm.Session:
    """Opens ROOT/metadata.sqlite, made if missing; to be used in a `with` statement."""
    # Without a pool no connection outlives the session that used it.
    engine = sql.create_engine(sql.URL.create("sqlite", database=str(root / "metadata.sqlite")), poolclass=sql.NullPool)
    Base.metadata.create_all(engine)
    return orm.Session(engine)
