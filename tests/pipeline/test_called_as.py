import sys

import pytest

from zfnet.pipeline.called_as import called_as


@pytest.fixture
def program(tmp_path, monkeypatch):
    path = tmp_path / "bin" / "zfnet"
    path.parent.mkdir()
    path.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path


def test_a_path_that_no_shell_finds(program, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert called_as() == str(program)


def test_the_name_that_a_shell_finds(program, monkeypatch):
    monkeypatch.setenv("PATH", str(program.parent))
    assert called_as() == "zfnet"


def test_another_program_that_runs_this(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert called_as() == "zfnet"
