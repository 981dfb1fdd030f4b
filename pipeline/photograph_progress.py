"""How far the preparation of photographs is, on one line of the terminal."""

import collections
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Protocol

import click

from zfnet.pipeline.duration import duration

EVERY = 1.0  # seconds between two looks
LOOKS = 20  # over which the rate is taken, so that it tells of now and does not jump


class Counts(Protocol):
    """What is counted: `zfnet.components.data.tally.Tally`."""

    expected: int
    done: int


@contextlib.contextmanager
def photograph_progress(counts: Counts) -> Iterator[None]:
    """Shows on the standard error, as long as the `with` statement lasts, how many photographs are done, how fast, and what remains.

    Nothing is shown where that is no terminal.

    Args:
        counts: looked at once a second.
    """
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()
    shown = threading.Thread(target=_show, args=(counts, ended), daemon=True)
    shown.start()
    try:
        yield
    finally:
        ended.set()
        shown.join()


def _show(counts: Counts, ended: threading.Event) -> None:
    looks = collections.deque([(time.monotonic(), counts.done)], maxlen=LOOKS)
    width = 0
    while not ended.wait(EVERY):
        if not counts.expected:
            continue  # TFDS may be showing how far its download is
        if not counts.done:
            looks.clear()  # what it took to find the photographs does not tell how fast they are prepared
        looks.append((time.monotonic(), counts.done))
        line = progress_line(counts.done, counts.expected, looks[-1][0] - looks[0][0], looks[-1][1] - looks[0][1])
        click.echo(f"\r{line.ljust(width)}", file=sys.stderr, nl=False)
        width = len(line)
    if width:
        click.echo(f"\r{' ' * width}\r", file=sys.stderr, nl=False)


def progress_line(done: int, expected: int, seconds: float, lately: int) -> str:
    """The line.

    Args:
        done: photographs done.
        expected: photographs there are.
        seconds: the length of the time looked back on.
        lately: how many of them were done in it.

    Examples:
        progress_line(12_345, 60_000, 20, 10_600)  # "12,345 of 60,000 photographs, 530 a second, 89.9 s left"
    """
    if not done:
        return f"{expected:,} photographs found"
    line = f"{done:,} of {expected:,} photographs"
    if not lately:
        return line
    return f"{line}, {lately / seconds:,.0f} a second, {duration((expected - done) * seconds / lately)} left"
