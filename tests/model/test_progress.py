import io
import sys

import pytest

from zfnet.model import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    return sys.stderr


def test_bar_on_a_terminal(terminal, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0)
    assert list(progress.progress(iter("abc"), 3, "Searching")) == ["a", "b", "c"]
    assert "Searching:   0%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")  # It is gone in the end.


def test_short_work_is_silent(terminal):
    assert list(progress.progress(iter("abc"), 3, "Searching")) == ["a", "b", "c"]
    assert terminal.getvalue() == ""


def test_silence_elsewhere(capsys, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0)
    assert list(progress.progress(iter("abc"), 3, "Searching")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
