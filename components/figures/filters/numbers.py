"""The numbers behind the figure of filters, for JSON, and their comparison between models."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zfnet.components.figures.filters.report import FREQUENCIES, FilterReport
from zfnet.components.figures.filters.verdicts import MOSTLY_ALIASED
from zfnet.model.measures.filters import white_noise


def filter_numbers(report: FilterReport) -> dict[str, Any]:
    """The numbers of one model, and the verdicts.

    `first_layer` has structure, aliased part and RMS of each filter, in the order of the layer, and the medians; `second_layer` the
    projected activations; `layers` dead maps and spread of each.
    """
    return {
        "images": len(report.images),
        "image_size": list(report.image_size),
        "photographs_sha256": report.photographs,
        "first_layer": _first_numbers(report),
        "second_layer": _second_numbers(report),
        "layers": {layer: _layer_numbers(report, layer) for layer in report.layers},
        "verdicts": [verdict._asdict() for verdict in report.verdicts],
    }


def _first_numbers(report: FilterReport) -> dict[str, Any]:
    first = report.first
    clipped = None if first.clipped is None else np.flatnonzero(first.clipped).tolist()
    quartiles = np.quantile(first.aliased, (0.25, 0.5, 0.75))
    return {
        "name": first.name,
        "filters": len(first.aliased),
        "size": list(first.size),
        "strides": list(first.strides),
        "channels": first.channels,
        "order": report.order().tolist(),
        "dead": None if report.dead is None else np.flatnonzero(report.dead).tolist(),
        "structure": {
            "share": first.structure.share,
            **{kind: np.flatnonzero(getattr(first.structure, kind)).tolist() for kind in ("structured", "noisy", "plain")},
            "roughness": first.structure.roughness.tolist(),
            "varying": first.structure.varying.tolist(),
        },
        "aliased": {
            "limit_cycles_a_pixel": [0.5 / stride for stride in first.strides],
            "median": float(quartiles[1]),
            "quartiles": [float(quartiles[0]), float(quartiles[2])],
            "mostly": np.flatnonzero(first.aliased > MOSTLY_ALIASED).tolist(),
            "white_noise": white_noise(first.strides),
            "filters": first.aliased.tolist(),
            "median_beyond": {"cycles_a_pixel": FREQUENCIES.round(2).tolist(), "energy": first.beyond.tolist()},
        },
        "rms": {
            "radius": first.radius,
            "radius_from": first.radius_from,
            "at_clip": clipped,
            "share_at_clip": None if clipped is None else len(clipped) / len(first.rms),
            "filters": first.rms.tolist(),
        },
    }


def _second_numbers(report: FilterReport) -> dict[str, Any]:
    second = report.second
    if second is None:
        return {"name": None, "not_drawn": report.no_second, "maps": []}
    maps = [
        {"map": each.unit, "example": report.images[each.example], **each.numbers("activation", "position", "corner", "scale")}
        for each in second.maps
    ]
    return {"name": second.name, "not_drawn": None, "window": list(second.maps[0].patch.shape[:2]), "maps": maps}


def _layer_numbers(report: FilterReport, layer: str) -> dict[str, Any]:
    maps = report.layers[layer]
    return {
        "maps": len(maps.means),
        "dead": int(maps.dead.sum()),
        "dead_share": float(maps.dead.mean()),
        "dead_maps": np.flatnonzero(maps.dead).tolist(),
        **report.spreads[layer]._asdict(),
        "mean_activations": maps.means.tolist(),
    }


def filter_comparison(reports: Sequence[FilterReport]) -> list[str]:
    """Ranks models by each measure: a sentence for each measure that all models have; none for a single model."""
    if len(reports) < 2:
        return []
    same = len({report.photographs for report in reports}) == 1
    sentences = [
        None if same else "The models were measured on different photographs; --data DATA measures all on the same.",
        _ranked(reports, "Share of layer 1's filters that have structure", lambda report: report.first.structure.share, "{:.2f}"),
        _ranked(reports, "Aliased part of layer 1's median filter", lambda report: float(np.median(report.first.aliased)), "{:.2f}"),
        _ranked(reports, "Dead maps of all layers", _dead, "{:.1%}"),
        _ranked(reports, "Activation of layer 1 in the strongest tenth of its maps", lambda report: _strongest(report, 0), "{:.2f}"),
        _ranked(reports, "Activation of layer 2 in the strongest tenth of its maps", lambda report: _strongest(report, 1), "{:.2f}"),
    ]
    return [sentence for sentence in sentences if sentence]


def _dead(report: FilterReport) -> float | None:
    dead = [maps.dead for maps in report.layers.values()]
    return float(np.concatenate(dead).mean()) if dead else None


def _strongest(report: FilterReport, number: int) -> float | None:
    """Share of activation in the strongest tenth of the maps of layer 1 or 2 (0 or 1); None if no ReLU follows."""
    layer = report.rectified[number]
    return None if layer is None else report.spreads[layer].strongest_tenth


def _ranked(reports: Sequence[FilterReport], what: str, value: Callable[[FilterReport], float | None], form: str) -> str | None:
    values = [(value(report), report.name) for report in reports]
    if any(each is None for each, _ in values):
        return None
    return f"{what}, least first: {', '.join(f'{name} {form.format(each)}' for each, name in sorted(values))}."
