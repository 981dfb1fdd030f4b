"""`zfnet runs`: the executions under a root, and the lineage of a model."""

import json
import re
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

import click
from etils import epath

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import metadata_option, root_option
from zfnet.pipeline.messages import aligned_table, duration, when

if TYPE_CHECKING:
    from rich.tree import Tree

LATEST = "latest"
SHORT = 12  # digits of a digest


@click.command(cls=Command, short_help="List runs and their steps, with inputs and outputs.")
@root_option
@metadata_option
@click.option(
    "--lineage",
    metavar="[VERSION]",
    is_flag=False,
    flag_value=LATEST,
    help="Show the origin of the latest pushed model, or of VERSION: all executions (runs of a step) back to the data, with parameters "
    "and versions. For another output, give its execution, as in --lineage trainer/7.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all records as JSON.")
def command(root: epath.Path, metadata_url: str | None, lineage: str | None, as_json: bool) -> None:
    """List the runs under a root: their steps, with inputs, outputs and times, and the steps that a run did not repeat.

    Paths are relative to the root. The data version identifies the state of the data, which may change under the same name.
    """
    from zfnet.pipeline.orchestration.lineage import read_lineage, read_runs

    if lineage is None:
        found: Any = read_runs(root, metadata_url)
    else:
        found = read_lineage(root, None if lineage == LATEST else lineage, metadata_url)
    if as_json:
        lines = [json.dumps(found, indent=2)]
    elif lineage is None:
        lines = [line for run in found for line in _run_lines(run)]
    else:
        lines = lineage_lines(found, max(60, shutil.get_terminal_size((100, 0)).columns))
    for line in lines:
        click.echo(line)


def _run_lines(run: dict[str, Any]) -> list[str]:
    data = dict.fromkeys(version for execution in run["executions"] for version in _data_versions(execution))
    return [
        click.style(run["command"], bold=True),
        f"{when(run['started'])}  {run['status']}  {_took(run)}",
        *(f"data {version}" for version in data),
        "",
        *aligned_table([["step", "", "took", "from", "into"], *map(_row, run["executions"])], text_columns=5, indent=2),
        "",
    ]


def _row(execution: dict[str, Any]) -> list[str]:
    inputs = [artifact["path"].rpartition("/")[0] for artifact in execution["inputs"].values()]
    data = [execution["parameters"][name] for name in execution["fingerprints"]]
    return [
        execution["step"],
        "unchanged" if execution["cached"] else execution["status"],
        _took(execution),
        ", ".join(inputs or data or [f"{name}={value}" for name, value in execution["parameters"].items()]),
        textwrap.shorten(execution["error"] or "", 100) or ", ".join(artifact["path"] for artifact in execution["outputs"].values()),
    ]


def _data_versions(execution: dict[str, Any]) -> list[str]:
    versions = execution["fingerprints"].items()
    return [f"{execution['parameters'][name]}, version {short_fingerprint(fingerprint)}" for name, fingerprint in versions]


def _took(record: dict[str, Any]) -> str:
    return "" if record["seconds"] is None else duration(record["seconds"])


def short_fingerprint(fingerprint: Any) -> str:
    """A fingerprint with every digest in it cut to 12 digits."""
    return re.sub(rf"\b([0-9a-f]{{{SHORT}}})[0-9a-f]{{20,}}", r"\1", str(fingerprint))


def lineage_lines(lineage: dict[str, Any], width: int) -> list[str]:
    """Draws the tree of a lineage, as `read_lineage` returns it: each artifact with the execution that made it, above its inputs.

    An execution that made several inputs is drawn once and referred to afterwards. Library versions and the commit are shown at the root,
    and again only at executions that had others. The lines have colours and fit into `width` columns.
    """
    from rich.console import Console

    version = lineage["version"]
    title, status = (lineage["directory"], lineage["status"]) if version is None else (f"Version {version}", "pushed")
    name, artifact = next(iter(lineage["outputs"].items()), (lineage["status"], None))
    console = Console(width=width, force_terminal=True, color_system="standard", markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(_tree(name, artifact, lineage, "", set()))
    return [f"{click.style(title, bold=True)} {status} {when(lineage['started'])}", "", *map(str.rstrip, captured.get().splitlines())]


def _tree(name: str, artifact: dict[str, Any] | None, maker: dict[str, Any], shown: str, drawn: set[int]) -> "Tree":
    """The branch of an artifact. `shown` is the environment that needs no mention, `drawn` holds the executions drawn so far."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

    digest = f" {artifact['digest'][:SHORT]}" if artifact else ""
    heading = Text.assemble((name, "cyan"), f"{digest}  from ", (maker["directory"], "bold"))
    if maker["execution"] in drawn:
        return Tree(heading.append(", above"))
    drawn.add(maker["execution"])
    heading.append(f"{f' in {_took(maker)}' if _took(maker) else ''}, {when(maker['started'])}")
    fingerprints, properties, environment = maker["fingerprints"], artifact["properties"] if artifact else {}, _environment(maker)
    details = {
        **dict(zip(fingerprints, _data_versions(maker), strict=True)),
        "result": _pairs({name: value for name, value in properties.items() if value is not None}),
        "with": _pairs({name: value for name, value in maker["parameters"].items() if name not in fingerprints}),
        "code": maker["code_version"][:SHORT],
        "made with": "" if environment == shown else environment,
        "error": maker["error"],
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    for key, value in details.items():
        if value:
            table.add_row(key, value)
    tree = Tree(Group(heading, table))
    tree.children = [_tree(name, taken, taken["made_by"], shown or environment, drawn) for name, taken in maker["inputs"].items()]
    return tree


def _environment(record: dict[str, Any]) -> str:
    commit = record["source_commit"]
    return _pairs({**record["versions"], **({"commit": short_fingerprint(commit)} if commit else {})})


def _pairs(values: dict[str, Any]) -> str:
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in values.items()}
    return "  ".join(f"{name}={', '.join(map(str, value)) if isinstance(value, list) else value}" for name, value in shown.items())
