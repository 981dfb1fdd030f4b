"""`zfnet runs`: what ran under a root."""

import json
import pathlib
import textwrap
from typing import Any

import click

from zfnet.pipeline.command import Command
from zfnet.pipeline.duration import duration
from zfnet.pipeline.options import root_option


@click.command(cls=Command, short_help="Show what ran, from what, into what.")
@root_option
@click.option("--json", "as_json", is_flag=True, help="Everything that is recorded, as JSON.")
def command(root: pathlib.Path, as_json: bool) -> None:
    """Show what ran under a root: from what, into what, how long, and what was found unchanged.

    Paths are below the root.
    """
    if not (root / "metadata.sqlite").is_file():
        raise FileNotFoundError(f"Nothing ran under {root} yet. `zfnet run` does; if it went elsewhere, say where with --root.")
    runs = read_runs(root)
    if as_json:
        click.echo(json.dumps(runs, indent=2))
        return
    for run in runs:
        click.echo(f"{click.style(run['command'], bold=True)}\n{_when(run)}  {run['status']}  {_took(run)}\n")
        rows = [("step", "", "took", "from", "into"), *map(_row, run["executions"])]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            click.echo("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        click.echo()


def read_runs(root: pathlib.Path) -> list[dict[str, Any]]:
    """Reads everything recorded under `root`.

    Returns:
        The runs, oldest first, each with its `executions` in order; these have inputs and outputs by name, each `{"path", "digest"}`.
    """
    import sqlalchemy as sql

    from zfnet.pipeline import metadata

    with metadata.open_metadata(root) as session:
        return [
            {
                "run": context.id,
                "command": context.command,
                "status": context.status,
                "started": context.started,
                "seconds": context.seconds,
                "executions": [
                    {
                        "execution": execution.id,
                        "step": execution.step,
                        "status": execution.status,
                        "cached": association.cached,
                        "started": execution.started,
                        "seconds": execution.seconds,
                        "error": execution.error,
                        "parameters": execution.parameters,
                        "code_version": execution.code_version,
                        "versions": execution.versions,
                        **{
                            f"{direction}s": {
                                name: {"path": artifact.path, "digest": artifact.digest}
                                for name, artifact in execution.artifacts(direction).items()
                            }
                            for direction in ("input", "output")
                        },
                    }
                    for association in context.associations
                    for execution in [association.execution]
                ],
            }
            for context in session.scalars(sql.select(metadata.Context).order_by(metadata.Context.id))
        ]


def _row(execution: dict[str, Any]) -> tuple[str, ...]:
    inputs = [str(pathlib.PurePath(artifact["path"]).parent) for artifact in execution["inputs"].values()]
    return (
        execution["step"],
        "unchanged" if execution["cached"] else execution["status"],
        _took(execution),
        ", ".join(inputs or [f"{name}={value}" for name, value in execution["parameters"].items()]),
        textwrap.shorten(execution["error"] or "", 100) or ", ".join(artifact["path"] for artifact in execution["outputs"].values()),
    )


def _when(record: dict[str, Any]) -> str:
    return record["started"].replace("T", " ").replace("+00:00", " UTC")


def _took(record: dict[str, Any]) -> str:
    return "" if record["seconds"] is None else duration(record["seconds"])
