"""The database that the runs under a root are recorded in: tables of executions and artifacts, after ML Metadata.

An execution of a step has events, each of which joins it to an artifact as an input or an output. A context is one `zfnet run`; an
association joins it to an execution that it made or found unchanged. One database may hold several roots, each with its name.
"""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import re
import socket
import tempfile
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sql
from etils import epath
from sqlalchemy import orm

from zfnet.components import artifacts
from zfnet.components.storage.files import is_remote
from zfnet.pipeline.orchestration.database import connect, create_tables
from zfnet.pipeline.orchestration.step import snake_case

FILE = "metadata.sqlite"


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


@contextlib.contextmanager
def open_metadata(root: epath.PathLike, url: str | None = None) -> Iterator[Metadata]:
    """Yields the records of `root`, which may be remote, and creates the tables of a new database.

    `url` is an SQLAlchemy URL, such as `postgresql://me@host/runs`. Without it the database is the root's own, ROOT/metadata.sqlite, which
    may be moved with it. A database of several roots tells them apart by `root_name`. The own database of a remote root is opened as a copy
    on this machine, and each commit replaces the original as a whole. That takes a single writer, which the lock of the root ensures.

    Raises:
        ValueError: the URL is invalid, or its driver is not installed.
        OSError: the database can't be opened, or is an SQLite file that is damaged.
    """
    with contextlib.ExitStack() as stack:
        original = file = epath.Path(root) / FILE
        copied = url is None and is_remote(str(root))
        content = original.read_bytes() if copied and original.exists() else b""
        if copied:
            file = epath.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zfnet-"))) / FILE
            file.write_bytes(content)
        engine = connect(sql.URL.create("sqlite", database=str(file)) if url is None else url)
        create_tables(engine, Base.metadata)
        with Metadata(engine, "" if url is None else root_name(root)) as session:
            if copied:
                _replace_when_committed(session, file, original, content)
            yield session


@contextlib.contextmanager
def open_recorded(root: epath.PathLike, url: str | None = None) -> Iterator[Metadata]:
    """Opens the records of `root` as `open_metadata` does, but creates nothing.

    Raises:
        FileNotFoundError: nothing ran under `root`, or it was not recorded there.
    """
    nothing = f"Nothing ran under {root} yet. Start with `zfnet run`, or name the directory of a run with --root."
    file = epath.Path(root) / FILE
    if url is not None:
        parsed = connect(url).url
        file = epath.Path(parsed.database) if parsed.get_backend_name() == "sqlite" else None
        nothing = f"The database {parsed.render_as_string()} has no records of the root {root_name(root)}."
    if file is not None and not file.exists():
        raise FileNotFoundError(nothing)
    with open_metadata(root, url) as session:
        if session.contexts().first() is None:
            others = sorted(set(session.scalars(sql.select(Context.root))))
            raise FileNotFoundError(nothing + (f" It has {', '.join(others)}; give one of them with --root." if others else ""))
        yield session


def root_name(root: epath.PathLike) -> str:
    """The name of a root in a shared database: a URL, or `MACHINE:/directory`, since another machine has other files at the same path.

    A name that has this form already is returned as it is, so that the runs of another machine can be read.
    """
    named = is_remote(str(root)) or re.match("[^/:]+:/", str(root))
    return str(root) if named else f"{socket.gethostname()}:{pathlib.Path(root).resolve()}"


def _replace_when_committed(session: Metadata, copy: epath.Path, original: epath.Path, content: bytes) -> None:
    """Writes `copy` to `original` after each commit; `content` is that of both before the session."""
    saved = content

    @sql.event.listens_for(session, "after_commit")
    def replace(_: Metadata) -> None:
        nonlocal saved
        if (now := copy.read_bytes()) == saved:
            return
        if (original.read_bytes() if original.exists() else b"") != saved:
            raise OSError(f"{original} was written by another process meanwhile and is not replaced.")
        original.write_bytes(now)
        saved = now
