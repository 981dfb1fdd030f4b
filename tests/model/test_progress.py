import io
import sys

from zfnet.model import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "DELAY", 0)
    assert list(progress.progress(iter("abc"), 3, "Searching")) == ["a", "b", "c"]
    assert "Searching:   0%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")  # It is gone in the end.


def test_short_work_is_silent(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(progress.progress(iter("abc"), 3, "Searching")) == ["a", "b", "c"]
    assert terminal.getvalue() == ""


def test_silence_elsewhere(capsys, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0)
    assert list(progress.progress(iter("abc"), 3, "Searching")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
