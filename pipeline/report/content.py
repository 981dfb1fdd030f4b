"""Content of the report of a run, read from its files."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from etils import epath

from zfnet.components.artifacts import Examples, Model, Statistics
from zfnet.pipeline.messages import when
from zfnet.pipeline.orchestration.lineage import read_runs
from zfnet.pipeline.run_summary import read_summary

if TYPE_CHECKING:
    from collections.abc import Iterator


# What stands behind an error, and the end of its key.
CROPS = {"": "", ", ten crops": "_ten_crop"}
# Rejected photographs that are listed by name.
MOST_REJECTED = 50
# What stands above the pictures whose names begin so, and what stands below the heading.
SECTIONS = {
    "features": (
        "What the net looks for",
        "From the image upwards: the filters of the first layer; then, of each layer, feature maps that are chosen to differ, with their "
        "nine strongest activations over the validation examples, projected to pixels by the deconvnet, beside the patches of the "
        "photographs (Zeiler & Fergus 2013, Fig. 2). Grey is 0.",
    ),
    "gallery_": (
        "Feature maps at random",
        "Of some maps of each layer the nine strongest activations: projected to pixels, left, and the patches, right.",
    ),
    "evolution_": (
        "When they came to look for it",
        "Left, the strongest activation of a map over the training examples, after some epochs, with its patch (Fig. 4): where a row "
        "jumps, another image has become the strongest. Right, what the map saw of its last patch after each of them. Grey is 0.",
    ),
    "filters": (
        "The first layers",
        "Filters, and what was measured of them: structure, aliasing, size, maps that are never positive, and how activation is spread "
        "(Fig. 6).",
    ),
    "occlusion": (
        "What an answer rests on",
        "A grey square is slid over a validation example; activation and probability fall where it covers what the net looks at (Fig. 7). "
        "The example is chosen because its answer falls at one place.",
    ),
}


def read_report(root: epath.PathLike, metadata_url: str | None = None) -> dict[str, Any]:
    """Gathers it.

    Args:
        root: a directory that `zfnet run` wrote, on this machine or in Cloud Storage.
        metadata_url: the database that runs are recorded in, see `open_metadata`; None for the root's own.

    Returns:
        What `report_page` takes: `data`, name and version of the data set; `status` and `message`; `errors`; `structured`; `counts`, of
        each class those of training and validation; `rejected` and how many there are; `anomalies`; `recipe`; `history`; `pictures`;
        `command`, `started`, `steps`, `versions` and `commit` of the latest run that came to this model.

    Raises:
        FileNotFoundError: there is no run, or it has trained nothing yet.
        ValueError: its run.json is not what a run writes.
    """
    root = epath.Path(root)
    if not (root / "run.json").exists():
        if (root / "lock").exists():
            raise FileNotFoundError(f"The run under {root} has not ended yet, or was killed: {root / 'run.json'} is written in the end.")
        raise FileNotFoundError(f"There is no run under {root}: {root / 'run.json'} is missing. `zfnet run` makes one; --root says where.")
    run = read_summary(root, "status", "message", "metrics", "examples", "anomalies", "artifacts")
    paths = run["artifacts"]
    if paths["model"] is None:
        raise FileNotFoundError(f"The run under {root} has trained no model yet ({run['status']}: {run['message']}). Run it again.")
    examples, model = Examples(root / paths["examples"]), Model((root / paths["model"]).parent)
    counts = Statistics(root / paths["statistics"]).read_json("statistics.json")["classes"]
    run_of_model, trained = _made(read_runs(root, metadata_url), paths["model"])
    generated = next(execution for execution in run_of_model["executions"] if execution["step"] == "ExampleGen")
    return {
        "data": {"name": examples.read_json("manifest.json")["source"], "version": generated["fingerprints"].get("source")},
        "status": run["status"],
        "message": run["message"],
        "errors": _errors(run["metrics"], len(examples.labels)),
        "structured": run["metrics"].get("structured"),  # A run.json of before filters were measured has none.
        "examples": run["examples"],
        "counts": list(zip(examples.labels, *(counts[split] for split in ("train", "validation")), strict=True)),
        "rejected": list(itertools.islice(_rejected(examples), MOST_REJECTED)),
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
    """The latest run that made a model, or found it made, and the execution that did. One that was killed leaves its start alone."""
    return next(
        (run, execution)
        for run in reversed(runs)
        for execution in run["executions"]
        if execution["directory"] and model.startswith(f"{execution['directory']}/")
    )


def _errors(metrics: dict[str, float | None], classes: int) -> list[tuple[str, float]]:
    """Among five classes or fewer the right one is always one of the best five: no error to speak of."""
    ranks = (1, 5) if classes > 5 else (1,)
    named = [(f"top-{rank} error{words}", metrics[f"top{rank}_error{key}"]) for words, key in CROPS.items() for rank in ranks]
    return [(name, value) for name, value in named if value is not None]


def _rejected(examples: Examples) -> Iterator[dict[str, Any]]:
    with (examples.path / "rejected.jsonl").open() as lines:
        yield from map(json.loads, lines)


class Section(NamedTuple):
    """Pictures of one kind.

    Attributes:
        title: their heading.
        about: what is to be seen.
        words: sentences that belong to them.
        files: the pictures, by their title.
    """

    title: str
    about: str
    words: list[str]
    files: dict[str, epath.Path]


def report_pictures(figures: epath.Path) -> list[Section]:
    """Sorts the pictures of a run.

    Args:
        figures: the directory of its pictures.

    Returns:
        The sections that have any; upper layers first, since they show most.
    """
    names = sorted(path.name for path in figures.glob("*.png"))
    sections = []
    for start, (title, about) in SECTIONS.items():
        files = {
            name.removeprefix(start).removesuffix(".png").strip("_") or title: figures / name for name in names if name.startswith(start)
        }
        if files:
            ordered = dict(reversed(files.items())) if start.endswith("_") else files
            sections.append(Section(title, about, _verdicts(figures) if start == "filters" else [], ordered))
    return sections


def _verdicts(figures: epath.Path) -> list[str]:
    if not (figures / "filters.json").exists():
        return []
    models = json.loads((figures / "filters.json").read_text())["models"].values()
    return [verdict["words"] for model in models for verdict in model["verdicts"]]
