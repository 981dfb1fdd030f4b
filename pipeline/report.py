"""The report of a run: its content, read from the run's files, and one HTML page that needs no other file."""

import base64
import importlib.resources
import io
import itertools
import json
import os
import pathlib
import urllib.parse
from collections.abc import Sequence
from typing import Any, NamedTuple

import jinja2
import numpy as np
from etils import epath
from matplotlib.ticker import MaxNLocator
from PIL import Image

from zfnet.components.artifacts import Anomalies, Evaluation, Examples, Model, Statistics
from zfnet.components.data.examples_summary import size_sentences
from zfnet.components.example_validator import count_anomalies
from zfnet.components.figures.mistakes.table import calibration_sentence, slice_name, worst_first, wrong_answers
from zfnet.components.figures.run_figures import RUN_FIGURES
from zfnet.components.pictures.chart import chart_picture, new_chart
from zfnet.components.storage.files import is_remote
from zfnet.pipeline.messages import duration, when
from zfnet.pipeline.orchestration.lineage import read_runs
from zfnet.pipeline.run_pipeline import read_summary

CROPS = {"": "", ", ten crops": "_ten_crop"}  # Suffix of an error's name, and of its key.
MOST_MISTAKES = 20  # Mistaken examples that are listed by name.
MOST_CLASSES = 1000  # Rows of a table of classes.
MOST_REJECTED = 50  # Rejected photographs that are listed by name.
TEMPLATE = "report.html"
QUALITY = 90  # Of WebP: a sixth of the bytes of PNG, and no visible difference.
SIZE = 1200, 360  # The curves of the training, in pixels.
COLOURS = {"training": "#7ba7d0", "validation": "#1f4e79"}


def read_report(root: epath.PathLike, metadata_url: str | None = None, out: pathlib.Path | None = None) -> dict[str, Any]:
    """Reads the content of a run's report.

    Args:
        root: a directory that `zfnet run` wrote, on this machine or in Cloud Storage.
        metadata_url: the database that runs are recorded in, see `open_metadata`; None for the root's own.
        out: the file that the report will be; links start from its directory. None for a report beside the root's `run.json`.

    Returns:
        The content for `report_page`: `data`, name and version of the data set; `status`, `message` and `blessed`, the reason to serve the
        model or not; `errors`; `structured`; `warnings`, the first anomaly of each kind; `classes`, errors of each class, worst first,
        `calibration`, a sentence, and `mistakes`, all empty for runs of before they were measured; `slices`, errors of each value of the
        column `slice_by`, empty without one; `counts` of training and validation examples of each class; `sizes` of the photographs, in
        sentences; `rejected`; `anomalies`; `near_copies`; `recipe`; `history`; `pictures`; `explore`, the link to the
        page of all maps, None if the run made none; `root`; `command`, `started`, `steps`, `versions` and `commit` of the latest run with
        this model.

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
    statistics = Statistics(root / paths["statistics"]).read_json("statistics.json")
    counts = statistics["classes"]
    evaluation = Evaluation(root / paths["evaluation"]).read_json("evaluation.json") if paths["evaluation"] else {}
    run_of_model, trained = _made(read_runs(root, metadata_url), paths["model"])
    with (examples.path / "rejected.jsonl").open() as lines:
        rejected = [json.loads(line) for line in itertools.islice(lines, MOST_REJECTED)]
    generated = next(execution for execution in run_of_model["executions"] if execution["step"] == "ExampleGen")
    return {
        "data": {"name": examples.read_json("manifest.json")["source"], "version": generated["fingerprints"].get("source")},
        "status": run["status"],
        "message": run["message"],
        "blessed": evaluation.get("reason"),
        "errors": _errors(run["metrics"], len(examples.labels)),
        "structured": run["metrics"].get("structured"),  # A run.json of before filters were measured has none.
        "classes": worst_first(evaluation.get("classes", [])),
        "calibration": calibration_sentence(evaluation),
        "slice_by": evaluation.get("slice_by"),
        "slices": evaluation.get("slices", []),
        "examples": run["examples"],
        "counts": list(zip(examples.labels, *(counts[split] for split in ("train", "validation")), strict=True)),
        "sizes": size_sentences(statistics, examples.side),
        "rejected": rejected,
        "anomalies": [anomaly["message"] for anomaly in run["anomalies"]],
        "warnings": _warnings(run["anomalies"]),
        "mistakes": evaluation.get("mistakes", [])[:MOST_MISTAKES],
        "root": str(root),
        "near_copies": _near_copies(root, paths.get("anomalies")),
        "recipe": model.read_json("recipe.json"),
        "history": model.read_json("history.json"),
        "pictures": report_pictures(root / paths["figures"]) if paths["figures"] else [],
        "explore": _link(root / paths["figures"] / "explore.html", out or root / "report.html") if paths["figures"] else None,
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


def _warnings(anomalies: list[dict[str, Any]]) -> list[str]:
    """The first anomaly of each kind, and the number of the others."""
    first = {anomaly["kind"]: anomaly["message"] for anomaly in reversed(anomalies)}
    counts = count_anomalies(anomalies)
    return [first[kind] + (f" And {count - 1:,} more of this kind." if count > 1 else "") for kind, count in counts.items()]


def _near_copies(root: epath.Path, anomalies: str | None) -> epath.Path | None:
    """The picture of near copies, if a run drew one; a run.json of before they were looked for does not name the artifact."""
    picture = Anomalies(root / anomalies).near_copies if anomalies else None
    return picture if picture and picture.exists() else None


def _link(page: epath.Path, out: epath.PathLike) -> str | None:
    """The address of a page in a report that will be the file `out`; None if there is no such page."""
    if not page.exists():
        return None
    if is_remote(page):
        return str(page)
    return urllib.parse.quote(os.path.relpath(page.resolve(), epath.Path(out).resolve().parent))


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


def report_page(content: dict[str, Any]) -> str:
    """Writes the content of `read_report` as one HTML page, with all pictures inside; of more than 1,000 classes, a part.

    Text from the data, such as names of classes and files, is escaped: a page that is mailed to somebody must not run it.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["duration"] = duration
    environment.filters["wrong_answers"] = wrong_answers
    environment.filters["slice_name"] = slice_name
    environment.filters["embedded"] = lambda path: embed_picture(Image.open(io.BytesIO(path.read_bytes())))
    template = environment.from_string(importlib.resources.files(__package__).joinpath(TEMPLATE).read_text())
    curves = embed_picture(Image.fromarray(draw_training_curves(content["history"])))
    return template.render(content, curves=curves, most=MOST_CLASSES)


class EmbeddedPicture(NamedTuple):
    """A picture as the value of `<img src>`, `data:image/webp;base64,...`, and its size in pixels."""

    uri: str
    width: int
    height: int


def embed_picture(picture: Image.Image) -> EmbeddedPicture:
    """Compresses a picture and encodes it as text; RGB, at most 16,383 pixels a side.

    Examples:
        >>> embed_picture(Image.new("RGB", (40, 30))).uri[:27]
        'data:image/webp;base64,UklG'
    """
    file = io.BytesIO()
    picture.convert("RGB").save(file, "WEBP", quality=QUALITY)
    return EmbeddedPicture(f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}", *picture.size)


def draw_training_curves(history: Sequence[dict[str, float]]) -> np.ndarray:
    """Draws loss and top-1 error of training and validation, a point for each epoch: uint8 `(360, 1200, 3)`.

    Training: random crops, with dropout. Validation: central crops, without. `history` is `history.json` of a trained model.

    Examples:
        >>> epoch = {"loss": 2.5, "top1_error": 0.7, "val_loss": 2.4, "val_top1_error": 0.6, "learning_rate": 0.02}
        >>> draw_training_curves([epoch]).shape
        (360, 1200, 3)
    """
    figure, axes = new_chart(1, 2, *SIZE)
    epochs = np.arange(1, len(history) + 1)
    for panel, name, title in ((axes[0, 0], "loss", "Loss"), (axes[0, 1], "top1_error", "Top-1 error")):
        for split, prefix in (("training", ""), ("validation", "val_")):
            values = [epoch[prefix + name] for epoch in history]
            panel.plot(epochs, values, color=COLOURS[split], marker=".", label=split)
        for number in _lowered(history):
            panel.axvline(number, color="#999999", linestyle=":", linewidth=1)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set(title=title, xlabel="epoch; dotted: the learning rate falls" if _lowered(history) else "epoch")
        panel.set_ylim(bottom=0)
        panel.legend(loc="upper right")
    axes[0, 1].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return chart_picture(figure)


def _lowered(history: Sequence[dict[str, float]]) -> list[float]:
    """Positions between the epochs at which the learning rate fell."""
    rates = [epoch["learning_rate"] for epoch in history]
    return [number + 0.5 for number in range(1, len(rates)) if rates[number] < rates[number - 1]]
