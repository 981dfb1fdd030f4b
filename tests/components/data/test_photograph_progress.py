import io
import sys
import threading
import time

import pytest

from zfnet.components.data.photograph_progress import PhotographProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_nothing_is_lost_between_threads():
    photographs = PhotographProgress()

    def count():
        for _ in range(20_000):
            photographs.expect(2)
            photographs.advance(1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (photographs.expected, photographs.done) == (160_000, 80_000)
    with photographs.shown():
        assert (photographs.expected, photographs.done) == (0, 0)


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_it_is_shown_on_terminals_alone(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    photographs = PhotographProgress()
    with photographs.shown():
        time.sleep(1.1)
        photographs.expect(10)
        photographs.advance(4)
        assert ("4/10" in stream.getvalue()) == stream.isatty()
    assert not stream.isatty() or stream.getvalue().endswith("\r")  # The bar is gone in the end.
    photographs.advance(1)  # By a thread that is late.


def test_nothing_is_shown_before_photographs_are_done(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    photographs = PhotographProgress()
    with photographs.shown():
        photographs.expect(10)
        time.sleep(1.1)
        assert sys.stderr.getvalue() == ""
