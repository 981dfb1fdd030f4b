import sqlite3
import sys

import pytest
import sqlalchemy as sql

from zfnet.pipeline.messages import aligned_table, duration, error_message, program_name


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no photographs\n  in there"), "no photographs in there"),
        (FileNotFoundError(2, "No such file", "x.jpg"), "[Errno 2] No such file: 'x.jpg'"),
        (
            OSError(28, "No space left on device"),
            "The disk is full. Free some space, then run the same command again to continue.",
        ),
        (
            OSError(28, "No space left on device", "/disk/run.json"),
            "The disk is full (/disk/run.json). Free some space, then run the same command again to continue.",
        ),
        (
            sqlite3.OperationalError("database or disk is full"),
            "The disk is full. Free some space, then run the same command again to continue.",
        ),
        (KeyError("conv9"), "KeyError: 'conv9'"),
        (ValueError(), "ValueError"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (KeyboardInterrupt(), "Interrupted. Run the same command again to continue."),
    ],
)
def test_error_message(error, message):
    assert error_message(error) == message


def test_error_of_a_database_is_told_without_the_statement():
    with pytest.raises(sql.exc.OperationalError) as failed, sql.create_engine("sqlite://", poolclass=sql.NullPool).connect() as connection:
        connection.execute(sql.text("SELECT secret FROM missing"))
    assert error_message(failed.value) == "The metadata database failed: no such table: missing"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (83.12, "83.1 s"),
        (100, "1 min 40 s"),
        (725, "12 min 05 s"),
        (3599.9, "1 h 00 min"),
        (5 * 3600 + 200, "5 h 03 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.fixture
def program(tmp_path, monkeypatch):
    path = tmp_path / "bin" / "zfnet"
    path.parent.mkdir()
    path.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path


def test_a_path_that_no_shell_finds(program, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert program_name() == str(program)


def test_the_name_that_a_shell_finds(program, monkeypatch):
    monkeypatch.setenv("PATH", str(program.parent))
    assert program_name() == "zfnet"


def test_another_program_that_runs_this(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert program_name() == "zfnet"


def test_names_to_the_left_and_numbers_to_the_right():
    assert aligned_table([["error", "a", "long heading"], ["a long name", "1,000.0%", "-"]]) == [
        "error               a  long heading",
        "a long name  1,000.0%             -",
    ]


def test_columns_of_text_as_they_are_and_as_wide_as_a_terminal_shows_them():
    path = "/photographs" * 50
    assert aligned_table([["class", "from", "count"], ["고양이", "[bold] :cat:", "3"], ["", path, "10"]], text_columns=2, indent=2) == [
        f"  class   {'from':600}  count",
        f"  고양이  {'[bold] :cat:':600}      3",
        f"  {'':6}  {path}     10",
    ]


def test_no_colour_where_colours_are_forced(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert aligned_table([["error", "top-1"]]) == ["error  top-1"]
