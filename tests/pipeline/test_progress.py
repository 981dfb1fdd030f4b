import io
import sys

from zfnet.pipeline.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(progress(iter("abc"), 3, "Searching")) == ["a", "b", "c"]
    said = sys.stderr.getvalue()
    assert "Searching" in said
    assert "100%" in said


def test_silence_elsewhere(capsys):
    assert list(progress(iter("abc"), 3, "Searching")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
