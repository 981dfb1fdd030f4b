"""The figure of filters: the first two layers of a net, or of several side by side, with the measures that judge them below."""

import json
import pathlib
from collections.abc import Sequence

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.figures.filters.charts import filter_charts
from zfnet.components.figures.filters.numbers import filter_comparison, filter_numbers
from zfnet.components.figures.filters.report import FilterReport, filter_report
from zfnet.components.figures.filters.sheet import filter_sheet
from zfnet.components.pictures.png import write_png
from zfnet.model.deconvnet.deconvnet import Deconvnet

PICTURE = "filters.png"
MAPS = 24


def draw_filters(
    deconvnet: Deconvnet,
    examples: Examples,
    folder: pathlib.Path,
    *,
    name: str | None = None,
    radius: float | None = None,
    maps: int = MAPS,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Measures and draws the filters of one model.

    Zeiler & Fergus 2013, section 4.1 and Fig. 6.

    Args:
        deconvnet: of a model that takes RGB 0..255; with `unsupported="gradient"`, any model can be measured.
        examples: prepared examples, made for the model's larger side; the split `validation` is looked at.
        folder: gets `filters.png`, and `filters.json` with every number that is drawn, and the verdicts in words.
        name: what the model is called; `None` takes its own name.
        radius: of the RMS clip, in weight units, if the first convolution has no `FilterRmsClip`.
        maps: of the second convolution, how many to project.
        seed: decides which.

    Returns:
        The picture, by the name `filters`: a uint8 array `(height, width, 3)`.

    Raises:
        ValueError: the model has no convolution, or weights or activations that are not numbers.

    Examples:
        >>> draw_filters(Deconvnet(model), examples, pathlib.Path("figures"))["filters"].shape
    """
    name = deconvnet.model.name if name is None else name
    report = filter_report(deconvnet, examples, name=name, radius=radius, maps=maps, seed=seed)
    return draw_reports([report], folder)


def draw_reports(reports: Sequence[FilterReport], folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Draws the filters of models that were measured: Zeiler & Fergus 2013, Fig. 6(b) to (e), with the measures under them.

    Args:
        reports: of the models, in order; no two of one name.
        folder: gets `filters.png` and `filters.json`.

    Returns:
        The picture, by the name `filters`.
    """
    # Of a name that is a path, its last part: there is little room.
    names = [report.name.rstrip("/").rsplit("/", 1)[-1] for report in reports]
    if len(set(names)) < len(names):
        names = [report.name for report in reports]
    layers = filter_sheet(reports, names)
    picture = np.concatenate([layers, filter_charts(reports, names, layers.shape[1])])
    write_png(picture, folder / PICTURE)
    numbers = {
        "pictures": [PICTURE],
        "models": {report.name: filter_numbers(report) for report in reports},
        "comparison": filter_comparison(reports),
    }
    (folder / "filters.json").write_text(json.dumps(numbers, indent=1))
    return {"filters": picture}
