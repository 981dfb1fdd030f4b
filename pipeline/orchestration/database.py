"""Connects to the database of runs: an SQLite file, or a server."""

import re
import sqlite3

import sqlalchemy as sql
from sqlalchemy import exc

REPAIR = (
    "Put a copy of the file back, or remove it. Without it the outputs of all steps stay, but the list of runs and the lineage of models "
    "are lost; the next run repeats every step, except that a training goes on from its checkpoints; and it does not compare its model "
    "with the one pushed last."
)
BUSY = 30  # seconds to wait for another process that is writing to the same SQLite file


def connect(url: str | sql.URL) -> sql.Engine:
    """Makes the engine of the database at an SQLAlchemy URL; nothing is opened yet.

    Raises:
        ValueError: the URL is invalid, or its driver is not installed.
    """
    try:
        parsed = sql.make_url(url)
        if parsed.drivername == "postgresql":  # SQLAlchemy's default is the superseded psycopg2
            parsed = parsed.set(drivername="postgresql+psycopg")
        options = {"connect_args": {"timeout": BUSY}} if parsed.get_backend_name() == "sqlite" else {}
        # Without a pool no connection outlives its transaction: a server may be restarted while a step is running.
        engine = sql.create_engine(parsed, poolclass=sql.NullPool, **options)
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError) as error:  # ValueError: the port is not a number
        shown = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", str(url))
        raise ValueError(
            f"{shown!r} is no database that SQLAlchemy supports: expected a URL such as postgresql://user@host/database or "
            "sqlite:////directory/file.sqlite for --metadata."
        ) from error
    except ModuleNotFoundError as error:
        hint = " Install it with the extra `postgresql`: pip install --editable '.[postgresql]'." if error.name == "psycopg" else ""
        raise ValueError(f"The driver {error.name} for the database {parsed.render_as_string()} is not installed.{hint}") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ValueError(f"{url} names no file: expected a URL such as sqlite:////directory/file.sqlite for --metadata.")
    return engine


def create_tables(engine: sql.Engine, tables: sql.MetaData) -> None:
    """Creates missing tables, and checks that an SQLite file is whole.

    Raises:
        OSError: the database can't be opened, or is an SQLite file that is damaged.
    """
    try:
        try:
            tables.create_all(engine)
        except (exc.OperationalError, exc.ProgrammingError, exc.IntegrityError):  # another process may have created them meanwhile
            tables.create_all(engine)
        if engine.url.get_backend_name() == "sqlite":
            with engine.connect() as connection:
                found = connection.scalar(sql.text("PRAGMA quick_check(1)"))
            if found != "ok":
                raise OSError(f"The database {engine.url.render_as_string()} is damaged: {' '.join(found.split())}. {REPAIR}")
    except exc.DBAPIError as error:
        # The driver's message, without the statement and the links that SQLAlchemy adds.
        damaged = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        hint = f". {REPAIR}" if damaged else ""
        raise OSError(f"The database {engine.url.render_as_string()} can't be opened: {error.orig}{hint}") from error
