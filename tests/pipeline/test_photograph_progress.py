import io
import sys
import time

import pytest

from zfnet.components.data.tally import Tally
from zfnet.pipeline import photograph_progress
from zfnet.pipeline.photograph_progress import progress_line


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        ((0, 6000, 1, 0), "6,000 photographs found"),
        ((12_345, 60_000, 20, 10_600), "12,345 of 60,000 photographs, 530 a second, 89.9 s left"),
        ((12_345, 1_331_167, 20, 10_600), "12,345 of 1,331,167 photographs, 530 a second, 41 min 28 s left"),
        ((5, 9, 20, 0), "5 of 9 photographs"),
    ],
)
def test_the_line(numbers, line):
    assert progress_line(*numbers) == line


def test_it_is_shown_on_terminals_alone(monkeypatch):
    monkeypatch.setattr(photograph_progress, "EVERY", 0.01)
    for terminal in (True, False):
        stream = io.StringIO()
        stream.isatty = lambda terminal=terminal: terminal
        monkeypatch.setattr(sys, "stderr", stream)
        counts = Tally()
        counts.expect(10)
        with photograph_progress.photograph_progress(counts):
            counts.advance(4)
            time.sleep(0.2)
        shown = stream.getvalue()
        assert ("4 of 10 photographs" in shown) == terminal
        assert not shown or shown.endswith(" \r")  # the line is gone in the end


def test_nothing_is_shown_before_photographs_are_found(monkeypatch):
    monkeypatch.setattr(photograph_progress, "EVERY", 0.01)
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    with photograph_progress.photograph_progress(Tally()):
        time.sleep(0.1)
    assert stream.getvalue() == ""
