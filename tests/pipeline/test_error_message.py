import sqlite3

import pytest
import sqlalchemy as sql

from zfnet.pipeline.error_message import error_message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no photographs\n  in there"), "no photographs in there"),
        (FileNotFoundError(2, "No such file", "x.jpg"), "[Errno 2] No such file: 'x.jpg'"),
        (
            OSError(28, "No space left on device"),
            "The disk is full. Make room on it; the same command goes on with what is not complete yet.",
        ),
        (
            OSError(28, "No space left on device", "/disk/run.json"),
            "The disk is full (/disk/run.json). Make room on it; the same command goes on with what is not complete yet.",
        ),
        (
            sqlite3.OperationalError("database or disk is full"),
            "The disk is full. Make room on it; the same command goes on with what is not complete yet.",
        ),
        (KeyError("conv9"), "KeyError: 'conv9'"),
        (ValueError(), "ValueError"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (KeyboardInterrupt(), "Interrupted. The same command goes on with what is not complete yet."),
    ],
)
def test_error_message(error, message):
    assert error_message(error) == message


def test_error_of_a_database_is_told_without_the_statement():
    with pytest.raises(sql.exc.OperationalError) as failed, sql.create_engine("sqlite://", poolclass=sql.NullPool).connect() as connection:
        connection.execute(sql.text("SELECT secret FROM missing"))
    assert error_message(failed.value) == "The database that runs are recorded in failed: no such table: missing"
