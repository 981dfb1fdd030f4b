"""Several models' filters compared in words: the article's question, AlexNet or ZFNet."""

from collections.abc import Callable, Sequence

import numpy as np

from zfnet.components.figures.filter_report import FilterReport


def filter_comparison(reports: Sequence[FilterReport]) -> list[str]:
    """Says, of each measure, which model has the least and which the most.

    Args:
        reports: of the models.

    Returns:
        A sentence for each measure that all models have; none of a single model.
    """
    if len(reports) < 2:
        return []
    same = len({report.photographs for report in reports}) == 1
    sentences = [
        None if same else "The models were measured on different photographs; --data DATA measures all on the same.",
        _ranked(reports, "Share of layer 1's filters that have structure", lambda report: report.first.structure.share, "{:.2f}"),
        _ranked(reports, "Aliased part of layer 1's median filter", lambda report: float(np.median(report.first.aliased)), "{:.2f}"),
        _ranked(reports, "Dead maps of all layers", _dead, "{:.1%}"),
        _ranked(
            reports, "Share of the strongest tenth of layer 1's maps in its activation", lambda report: _strongest(report, 0), "{:.2f}"
        ),
        _ranked(
            reports, "Share of the strongest tenth of layer 2's maps in its activation", lambda report: _strongest(report, 1), "{:.2f}"
        ),
    ]
    return [sentence for sentence in sentences if sentence]


def _dead(report: FilterReport) -> float | None:
    dead = [maps.dead for maps in report.layers.values()]
    return float(np.concatenate(dead).mean()) if dead else None


def _strongest(report: FilterReport, number: int) -> float | None:
    """Of layer 1 or 2, number 0 or 1; None where no ReLU follows it."""
    layer = report.rectified[number]
    return None if layer is None else report.spreads[layer].strongest_tenth


def _ranked(reports: Sequence[FilterReport], what: str, value: Callable[[FilterReport], float | None], form: str) -> str | None:
    values = [(value(report), report.name) for report in reports]
    if any(each is None for each, _ in values):
        return None
    return f"{what}, least first: {', '.join(f'{name} {form.format(each)}' for each, name in sorted(values))}."
