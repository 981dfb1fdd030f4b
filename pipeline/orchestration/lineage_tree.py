"""A lineage as a tree for the terminal."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import click

from zfnet.pipeline.messages import duration, when

SHORT = 12  # digits of a digest


def draw_lineage(lineage: dict[str, Any], width: int) -> Iterator[str]:
    """Draws where a model comes from: each artifact with the execution that made it, and below what that took.

    An execution whose outputs several others took is drawn where it comes up first, and referred to afterwards. Libraries and the commit
    are told once, and again only where an execution had others.

    Args:
        lineage: what `read_lineage` returns.
        width: columns of the terminal.

    Yields:
        The lines.
    """
    version = lineage["version"]
    title, became = (lineage["directory"], lineage["status"]) if version is None else (f"Version {version}", "pushed")
    yield f"{click.style(title, bold=True)} {became} {when(lineage['started'])}"
    yield from _wrapped(_environment(lineage), "made with ", "", width)
    yield ""
    name, artifact = next(iter(lineage["outputs"].items()), (lineage["status"], None))
    yield _heading(name, artifact, lineage)
    yield from _execution(lineage, artifact, "", _environment(lineage), width, set())


def short_fingerprint(fingerprint: Any) -> str:
    """A fingerprint for people: every digest in it cut short."""
    return re.sub(rf"\b([0-9a-f]{{{SHORT}}})[0-9a-f]{{20,}}", r"\1", str(fingerprint))


def _heading(name: str, artifact: dict[str, Any] | None, maker: dict[str, Any]) -> str:
    took = "" if maker["seconds"] is None else f" in {duration(maker['seconds'])}"
    digest = f" {artifact['digest'][:SHORT]}" if artifact else ""
    return f"{click.style(name, fg='cyan')}{digest}  from {click.style(maker['directory'], bold=True)}{took}, {when(maker['started'])}"


def _execution(
    record: dict[str, Any], made: dict[str, Any] | None, margin: str, environment: list[str], width: int, drawn: set[int]
) -> Iterator[str]:
    """Draws what is to be told of an execution that made something, and below it what it took; `margin` is left of every line."""
    drawn.add(record["execution"])
    inner = margin + ("│  " if record["inputs"] else "   ")
    told = {
        "": _pairs({name: value for name, value in made["properties"].items() if value is not None} if made else {}),
        "with ": _pairs({name: value for name, value in record["parameters"].items() if name not in record["fingerprints"]}),
        "code ": [record["code_version"][:SHORT]],
        "made with ": [] if _environment(record) == environment else _environment(record),
        "error ": [record["error"]] if record["error"] else [],
    }
    for name, fingerprint in record["fingerprints"].items():
        yield from _wrapped([f"{record['parameters'][name]}, version {short_fingerprint(fingerprint)}"], f"{name} ", inner, width)
    for heading, parts in told.items():
        yield from _wrapped(parts, heading, inner, width)
    for number, (name, artifact) in enumerate(record["inputs"].items(), start=1):
        branch, below = ("└─ ", "   ") if number == len(record["inputs"]) else ("├─ ", "│  ")
        maker = artifact["made_by"]
        if maker["execution"] in drawn:
            yield f"{margin}{branch}{click.style(name, fg='cyan')} {artifact['digest'][:SHORT]}  from {maker['directory']}, above"
        else:
            yield f"{margin}{branch}{_heading(name, artifact, maker)}"
            yield from _execution(maker, artifact, margin + below, environment, width, drawn)


def _environment(record: dict[str, Any]) -> list[str]:
    libraries = [f"{name} {version}" for name, version in record["versions"].items()]
    commit = record["source_commit"]
    return libraries + ([f"commit {commit[:SHORT]}{'-dirty' if commit.endswith('-dirty') else ''}"] if commit else [])


def _pairs(values: dict[str, Any]) -> list[str]:
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in values.items()}
    return [f"{name}={', '.join(map(str, value)) if isinstance(value, list) else value}" for name, value in shown.items()]


def _wrapped(parts: list[str], heading: str, margin: str, width: int) -> Iterator[str]:
    """Lines of `parts` behind a heading, none of which is broken if it fits into a line."""
    room = max(20, width - len(margin) - len(heading))
    # A blank that is no place to break: textwrap takes none of its own for one.
    text = "  ".join(part.replace(" ", "\0") if len(part) <= room else part for part in parts)
    for number, line in enumerate(textwrap.wrap(text, room, break_on_hyphens=False)):
        yield margin + (" " * len(heading) if number else click.style(heading, dim=True)) + line.replace("\0", " ")
