"""`zfnet runs`: what ran under a root."""

import json
import shutil
import textwrap
from typing import Any

import click
from etils import epath

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import metadata_option, root_option
from zfnet.pipeline.messages import duration, when
from zfnet.pipeline.orchestration.lineage_tree import draw_lineage, short_fingerprint

LATEST = "latest"


@click.command(cls=Command, short_help="Show what ran, from what, into what.")
@root_option
@metadata_option
@click.option(
    "--lineage",
    metavar="[VERSION]",
    is_flag=False,
    flag_value=LATEST,
    help="Where a pushed model comes from, the latest or VERSION: every execution behind it, back to the data, with parameters and "
    "versions. Of anything else by its execution, as in --lineage trainer/7.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything that is recorded, as JSON.")
def command(root: epath.Path, metadata_url: str | None, lineage: str | None, as_json: bool) -> None:
    """Show what ran under a root: from what, into what, how long, and what was found unchanged.

    Paths are below the root. The version of the data is what tells it from the same name with other contents.
    """
    if lineage is not None:
        found = _read_lineage(root, metadata_url, lineage)
        lines = [json.dumps(found, indent=2)] if as_json else draw_lineage(found, max(60, shutil.get_terminal_size((100, 0)).columns))
        for line in lines:
            click.echo(line)
        return
    from zfnet.pipeline.orchestration.lineage import read_runs

    runs = read_runs(root, metadata_url)
    if as_json:
        click.echo(json.dumps(runs, indent=2))
        return
    for run in runs:
        click.echo(f"{click.style(run['command'], bold=True)}\n{when(run['started'])}  {run['status']}  {_took(run)}")
        for data in dict.fromkeys(data for execution in run["executions"] for data in _data(execution)):
            click.echo(f"data {data}")
        click.echo()
        rows = [("step", "", "took", "from", "into"), *map(_row, run["executions"])]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            click.echo("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        click.echo()


def _read_lineage(root: epath.Path, metadata_url: str | None, lineage: str) -> dict[str, Any]:
    from zfnet.pipeline.orchestration.database import open_recorded
    from zfnet.pipeline.orchestration.lineage import read_lineage

    with open_recorded(root, metadata_url) as session:
        return read_lineage(session, root, None if lineage == LATEST else lineage)


def _row(execution: dict[str, Any]) -> tuple[str, ...]:
    inputs = [artifact["path"].rpartition("/")[0] for artifact in execution["inputs"].values()]
    return (
        execution["step"],
        "unchanged" if execution["cached"] else execution["status"],
        _took(execution),
        ", ".join(inputs or _names(execution).values() or [f"{name}={value}" for name, value in execution["parameters"].items()]),
        textwrap.shorten(execution["error"] or "", 100) or ", ".join(artifact["path"] for artifact in execution["outputs"].values()),
    )


def _data(execution: dict[str, Any]) -> list[str]:
    return [f"{name}, version {short_fingerprint(execution['fingerprints'][key])}" for key, name in _names(execution).items()]


def _names(execution: dict[str, Any]) -> dict[str, str]:
    """What stands for its contents, such as a data set, by the parameter that takes it."""
    return {key: execution["parameters"][key] for key in execution["fingerprints"]}


def _took(record: dict[str, Any]) -> str:
    return "" if record["seconds"] is None else duration(record["seconds"])
