"""Content of the report of a run, read from its files."""

import itertools
import json
from typing import Any, NamedTuple

from etils import epath

from zfnet.components.artifacts import Examples, Model, Statistics
from zfnet.components.figures.run_figures import RUN_FIGURES
from zfnet.pipeline.messages import when
from zfnet.pipeline.orchestration.lineage import read_runs
from zfnet.pipeline.run_summary import read_summary

CROPS = {"": "", ", ten crops": "_ten_crop"}  # Suffix of an error's name, and of its key.
MOST_REJECTED = 50  # Rejected photographs that are listed by name.


def read_report(root: epath.PathLike, metadata_url: str | None = None) -> dict[str, Any]:
    """Reads the content of a run's report.

    Args:
        root: a directory that `zfnet run` wrote, on this machine or in Cloud Storage.
        metadata_url: the database that runs are recorded in, see `open_metadata`; None for the root's own.

    Returns:
        The content for `report_page`: `data`, name and version of the data set; `status` and `message`; `errors`; `structured`; `counts`
        of training and validation examples of each class; `rejected`; `anomalies`; `recipe`; `history`; `pictures`; `command`, `started`,
        `steps`, `versions` and `commit` of the latest run with this model.

    Raises:
        FileNotFoundError: there is no run, or it has trained nothing yet.
        ValueError: its run.json is not valid.
    """
    root = epath.Path(root)
    if not (root / "run.json").exists():
        if (root / "lock").exists():
            raise FileNotFoundError(f"The run under {root} has not ended yet, or was killed: {root / 'run.json'} is written in the end.")
        raise FileNotFoundError(
            f"There is no run under {root}: {root / 'run.json'} is missing. Start with `zfnet run`, or name its root with --root."
        )
    run = read_summary(root, "status", "message", "metrics", "examples", "anomalies", "artifacts")
    paths = run["artifacts"]
    if paths["model"] is None:
        raise FileNotFoundError(f"The run under {root} has trained no model yet ({run['status']}: {run['message']}). Run it again.")
    examples, model = Examples(root / paths["examples"]), Model((root / paths["model"]).parent)
    counts = Statistics(root / paths["statistics"]).read_json("statistics.json")["classes"]
    run_of_model, trained = _made(read_runs(root, metadata_url), paths["model"])
    with (examples.path / "rejected.jsonl").open() as lines:
        rejected = [json.loads(line) for line in itertools.islice(lines, MOST_REJECTED)]
    generated = next(execution for execution in run_of_model["executions"] if execution["step"] == "ExampleGen")
    return {
        "data": {"name": examples.read_json("manifest.json")["source"], "version": generated["fingerprints"].get("source")},
        "status": run["status"],
        "message": run["message"],
        "errors": _errors(run["metrics"], len(examples.labels)),
        "structured": run["metrics"].get("structured"),  # A run.json of before filters were measured has none.
        "examples": run["examples"],
        "counts": list(zip(examples.labels, *(counts[split] for split in ("train", "validation")), strict=True)),
        "rejected": rejected,
        "anomalies": [anomaly["message"] for anomaly in run["anomalies"]],
        "recipe": model.read_json("recipe.json"),
        "history": model.read_json("history.json"),
        "pictures": report_pictures(root / paths["figures"]) if paths["figures"] else [],
        "command": run_of_model["command"],
        "started": when(run_of_model["started"]),
        "steps": [(each["step"], None if each["cached"] else each["seconds"], each["directory"]) for each in run_of_model["executions"]],
        "versions": trained["versions"],
        "commit": trained["source_commit"],
    }


def _made(runs: list[dict[str, Any]], model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The latest run that made or reused a model, and the execution that made it. A killed run has recorded only its start."""
    return next(
        (run, execution)
        for run in reversed(runs)
        for execution in run["executions"]
        if execution["directory"] and model.startswith(f"{execution['directory']}/")
    )


def _errors(metrics: dict[str, float | None], classes: int) -> list[tuple[str, float]]:
    """Errors by their names. With five classes or fewer, top-5 error is always 0 and left out."""
    ranks = (1, 5) if classes > 5 else (1,)
    named = [(f"top-{rank} error{words}", metrics[f"top{rank}_error{key}"]) for words, key in CROPS.items() for rank in ranks]
    return [(name, value) for name, value in named if value is not None]


class Section(NamedTuple):
    """The pictures of one figure, by their titles; heading and description of the figure, and the sentences of its verdicts."""

    title: str
    about: str
    words: list[str]
    files: dict[str, epath.Path]


def report_pictures(figures: epath.Path) -> list[Section]:
    """Sorts the pictures in a directory by figure: the sections that have any, upper layers first, since they show most."""
    names = sorted(path.name for path in figures.glob("*.png"))
    sections = []
    for start, figure in RUN_FIGURES.items():
        files = {
            name.removeprefix(start).removesuffix(".png").strip("_") or figure.title: figures / name
            for name in names
            if name.removesuffix(".png") == start or name.startswith(f"{start}_")
        }
        if files:
            words = _verdicts(figures) if start == "filters" else []
            ordered = files if f"{start}.png" in names else dict(reversed(files.items()))
            sections.append(Section(figure.title, figure.description, words, ordered))
    return sections


def _verdicts(figures: epath.Path) -> list[str]:
    if not (figures / "filters.json").exists():
        return []
    models = json.loads((figures / "filters.json").read_text())["models"].values()
    return [verdict["words"] for model in models for verdict in model["verdicts"]]
