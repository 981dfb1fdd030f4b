"""The comparison of architectures: bars of training error beside validation error, and the table in several forms."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from zfnet.components.figures.comparison.hyperparameters import hyperparameters
from zfnet.components.figures.comparison.table import ComparedNet, csv_table, markdown_table
from zfnet.components.pictures.chart import chart_picture, new_chart
from zfnet.components.pictures.figure import Figure

WIDTH, ROW, REST = 1200, 74, 150  # pixels
LINE = 34  # characters of a name in one line
COLOURS = {"training": "#8fb8de", "validation": "#1f4e79"}
GAP = "#c0392b"
THICKNESS = 0.36


def draw_comparison(nets: Sequence[ComparedNet], *, classes: int, title: str, further: dict[str, Any]) -> Figure:
    """Draws, for each net, its top-1 error on the training examples beside that on the validation examples.

    Zeiler & Fergus 2013, Table 3. The difference is overfitting: wider layers there made the training error fall from 33.1 to 10.0 %, and
    the validation error by 0.1 %.

    The picture `compare` is drawn if any net has errors; the table is `compare.csv` and `compare.md`. `title` names data and length of the
    training; `further` has more entries of the numbers.
    """
    pictures = {"compare": _bars(nets, title)} if any(not net.failed for net in nets) else {}
    texts = {"compare.csv": csv_table(nets), "compare.md": f"{title}\n\n{markdown_table(nets, classes)}"}
    rows = [
        vars(net) | {"gap": net.gap, "status": "failed" if net.failed else "done", "hyperparameters": hyperparameters(net.architecture)}
        for net in nets
    ]
    numbers = {**further, "classes": classes, "architectures": rows, "pictures": [f"{name}.png" for name in pictures]}
    return Figure("compare", pictures, numbers, texts)


def _bars(nets: Sequence[ComparedNet], title: str) -> np.ndarray:
    names = ["\n".join(_lines(net.architecture)) for net in nets]
    lines = sum(max(1, 1 + name.count("\n") - 3) for name in names)
    figure, ((axes,),) = new_chart(1, 1, WIDTH, REST + ROW * len(nets) + 14 * (lines - len(nets)))
    places = np.arange(len(nets), dtype=float)
    widest = 100 * max(error for net in nets for error in (net.training_top1_error, net.validation_top1_error) if error is not None) or 1
    for offset, kind in ((-THICKNESS / 2, "training"), (THICKNESS / 2, "validation")):
        errors = [100 * (getattr(net, f"{kind}_top1_error") or 0) for net in nets]
        axes.barh(places + offset, errors, THICKNESS, color=COLOURS[kind], label=f"{kind} error")
        for place, error, net in zip(places + offset, errors, nets, strict=True):
            if not net.failed and kind == "validation":
                axes.text(error + widest / 150, place, f"{error:.1f} %", va="center")
    for place, net in zip(places, nets, strict=True):
        if net.training_top1_error is None or net.validation_top1_error is None:
            why = textwrap.shorten(f"failed: {net.message}", 110, placeholder=" ...")
            axes.text(widest / 150, place, why, va="center", color="grey", parse_math=False)
            continue
        training, validation = 100 * net.training_top1_error, 100 * net.validation_top1_error
        axes.plot([training, validation], [place - THICKNESS / 2] * 2, color=GAP, linewidth=1.2, marker="|", markersize=9)
        beside = max(training, validation) + widest / 150
        gap = f"{training:.1f} %, gap {validation - training:.1f} points"
        axes.text(beside, place - THICKNESS / 2, gap, va="center", color=GAP, fontsize=9)
    axes.set_yticks(places, names)
    axes.set_ylim(len(nets) - 0.5, -0.5)
    axes.set_xlim(0, 1.2 * widest)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("top-1 error, %")
    axes.set_title(f"Training error beside validation error: the gap between them is overfitting\n{title}", loc="left", parse_math=False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return chart_picture(figure)


def _lines(name: str) -> list[str]:
    """Breaks a long name into lines, behind commas and the colon."""
    lines = [""]
    for part in name.replace(":", ":\0").replace(",", ",\0").split("\0"):
        if lines[-1] and len(lines[-1]) + len(part) > LINE:
            lines.append("")
        lines[-1] += part
    return lines
