"""Which database the runs under a root are recorded in, and how it is opened."""

import contextlib
import pathlib
import re
import socket
import tempfile
from collections.abc import Iterator

import sqlalchemy as sql
from etils import epath
from sqlalchemy import exc

from zfnet.components.storage.files import is_remote
from zfnet.pipeline.orchestration.metadata import Base, Context, Metadata

FILE = "metadata.sqlite"
# Seconds to wait for another process that is writing to the same SQLite file.
BUSY = 30


@contextlib.contextmanager
def open_metadata(root: epath.PathLike, url: str | None = None) -> Iterator[Metadata]:
    """Opens what is recorded of `root`.

    Without a URL this is the root's own database, ROOT/metadata.sqlite, which may be moved with it. A database of several roots keeps
    them apart by their names, see `root_name`. Tables and columns that are missing, since the database is new or from an earlier
    release, are added.

    Of a remote root's own database a copy on this machine is opened, and whatever is committed replaces the original as a whole. That takes
    one writer, which the lock of the root sees to.

    Args:
        root: the root, local or remote.
        url: an SQLAlchemy URL, such as `postgresql://me@host/runs`; None for the root's own database.

    Yields:
        The session.

    Raises:
        ValueError: the URL is none.
        OSError: the database can't be opened.
    """
    with contextlib.ExitStack() as stack:
        if url is not None:
            engine = _engine(url)
            name = root_name(root)
        elif is_remote(str(root)):
            copy = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zfnet-"))) / FILE
            original = epath.Path(root) / FILE
            content = original.read_bytes() if original.exists() else b""
            copy.write_bytes(content)
            engine, name = _engine(f"sqlite:///{copy}"), ""
        else:
            engine, name = _engine(sql.URL.create("sqlite", database=str(epath.Path(root) / FILE))), ""
        _prepare(engine)
        with Metadata(engine, name) as session:
            if url is None and is_remote(str(root)):
                _replace_when_committed(session, copy, original, content)
            yield session


@contextlib.contextmanager
def open_recorded(root: epath.PathLike, url: str | None = None) -> Iterator[Metadata]:
    """Opens what is recorded of `root`, to be read: where there is nothing, nothing is made.

    Args:
        root: the root.
        url: as for `open_metadata`.

    Yields:
        The session.

    Raises:
        FileNotFoundError: nothing ran under `root`, or it was not recorded there.
        ValueError: the URL is none.
        OSError: the database can't be opened.
    """
    nothing = f"Nothing ran under {root} yet. `zfnet run` does; if it went elsewhere, say where with --root."
    file = epath.Path(root) / FILE
    if url is not None:
        parsed = _engine(url).url
        file = epath.Path(parsed.database) if parsed.get_backend_name() == "sqlite" else None
        nothing = f"In {parsed.render_as_string()} nothing is recorded of the root {root_name(root)}."
    if file is not None and not file.exists():
        raise FileNotFoundError(nothing)
    with open_metadata(root, url) as session:
        if session.contexts().first() is None:
            others = sorted(set(session.scalars(sql.select(Context.root))))
            raise FileNotFoundError(nothing + (f" It has {', '.join(others)}; give one of them with --root." if others else ""))
        yield session


def root_name(root: epath.PathLike) -> str:
    """The name of a root among others: a URL, or `MACHINE:/directory`, since another machine has other files at the same path.

    What has that form already is taken as it is, so that what ran on another machine can be asked for.
    """
    named = is_remote(str(root)) or re.match("[^/:]+:/", str(root))
    return str(root) if named else f"{socket.gethostname()}:{pathlib.Path(root).resolve()}"


class InvalidUrlError(Exception):
    """A URL that SQLAlchemy can't take apart, and says so as of any number."""


def _parsed(url: str | sql.URL) -> sql.URL:
    try:
        return sql.make_url(url)
    except ValueError as error:  # a port that is no number
        raise InvalidUrlError from error


def _engine(url: str | sql.URL) -> sql.Engine:
    try:
        parsed = _parsed(url)
        if parsed.drivername == "postgresql":  # for which SQLAlchemy would take a driver that is superseded
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
            raise ValueError(f"{url} names no file: expected a URL such as sqlite:////directory/file.sqlite for --metadata.")
        options = {"connect_args": {"timeout": BUSY}} if parsed.get_backend_name() == "sqlite" else {}
        # Without a pool no connection outlives its transaction: a server may be restarted while a step is at work.
        return sql.create_engine(parsed, poolclass=sql.NullPool, **options)
    except (exc.ArgumentError, exc.NoSuchModuleError, InvalidUrlError) as error:
        shown = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", str(url))
        raise ValueError(
            f"{shown!r} is no database that SQLAlchemy knows: expected a URL such as postgresql://user@host/database or "
            "sqlite:////directory/file.sqlite for --metadata."
        ) from error
    except ModuleNotFoundError as error:
        hint = " The extra `postgresql` brings it: pip install --editable '.[postgresql]'." if error.name == "psycopg" else ""
        raise ValueError(f"The driver {error.name} for the database {parsed.render_as_string()} is not installed.{hint}") from error


def _prepare(engine: sql.Engine) -> None:
    """Adds the tables and columns that are missing."""
    try:
        try:
            _add_missing(engine)
        except (exc.OperationalError, exc.ProgrammingError, exc.IntegrityError):  # another process may have added them meanwhile
            _add_missing(engine)
    except exc.DBAPIError as error:
        # What the driver says, without the statement and the links that SQLAlchemy adds.
        raise OSError(f"The database {engine.url.render_as_string()} can't be opened: {error.orig}") from error


def _add_missing(engine: sql.Engine) -> None:
    Base.metadata.create_all(engine)
    inspector = sql.inspect(engine)
    for table in Base.metadata.sorted_tables:
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                described = sql.schema.CreateColumn(column).compile(dialect=engine.dialect)
                with engine.begin() as connection:
                    connection.execute(sql.text(f"ALTER TABLE {table.name} ADD COLUMN {described}"))


def _replace_when_committed(session: Metadata, copy: pathlib.Path, original: epath.Path, content: bytes) -> None:
    kept = content

    @sql.event.listens_for(session, "after_commit")
    def replace(_: Metadata) -> None:
        nonlocal kept
        if (now := copy.read_bytes()) == kept:
            return
        if (original.read_bytes() if original.exists() else b"") != kept:
            raise OSError(f"{original} was written by another process meanwhile, and is left to it.")
        original.write_bytes(now)
        kept = now
