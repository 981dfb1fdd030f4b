"""The picture of calibration: how often the best guess is right, by its probability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from scipy.stats import binomtest

from zfnet.components.evaluation.measures import BINS
from zfnet.components.pictures.chart import chart_picture, new_chart
from zfnet.components.pictures.figure import Figure

SIZE = 1200, 480
RIGHT, COUNT, EQUAL = "#1f4e79", "#7ba7d0", "#999999"


def draw_calibration(calibration: Sequence[Mapping[str, Any]], error: float) -> Figure:
    """Draws the reliability curve (Guo et al. 2017), and beside it the number of examples in each bin.

    A calibrated net is on the diagonal: of the examples with a best guess of 80 %, 80 % are right. Below it, the net is too sure. The
    bars are 95 % intervals (Wilson) of the share that is right: few examples make wide ones.

    Args:
        calibration: as in `evaluation.json`, a bin of equal width with examples each: `{"examples", "confidence", "accuracy"}`.
        error: expected calibration error, 0..1.

    Returns:
        The picture `calibration`; the numbers have the arguments and the ends of the intervals.

    Examples:
        >>> figure = draw_calibration([{"examples": 50, "confidence": 0.9, "accuracy": 0.8}], 0.1)
        >>> [round(end, 2) for end in figure.numbers["calibration"][0]["interval"]]
        [0.67, 0.89]
    """
    counts, confidence, right = (np.array([each[key] for each in calibration]) for key in ("examples", "confidence", "accuracy"))
    intervals = np.array([_interval(*each) for each in zip(counts, right, strict=True)])
    figure, axes = new_chart(1, 2, *SIZE)
    curve, numbers = axes[0]
    curve.plot([0, 1], [0, 1], linestyle="--", color=EQUAL, label="calibrated")
    # Rounding may put an end of an interval on the wrong side of the share.
    spread = np.maximum([right - intervals[:, 0], intervals[:, 1] - right], 0)
    curve.errorbar(confidence, right, spread, color=RIGHT, marker="o", capsize=3, elinewidth=1, label="this net, with 95 % intervals")
    curve.set(xlim=(0, 1.02), ylim=(0, 1.02), title=f"Expected calibration error: {error:.1%}")
    curve.set(xlabel="probability of the best guess", ylabel="share that is right")
    curve.legend(loc="lower right")
    # The mean of equal probabilities may be a little less than the end of their bin.
    middles = (np.minimum((confidence * BINS + 1e-9).astype(int), BINS - 1) + 0.5) / BINS
    bars = numbers.bar(middles, counts, 0.9 / BINS, color=COUNT)
    numbers.bar_label(bars, [f"{count:,}" for count in counts], padding=2, fontsize=8)
    numbers.set(xlim=(0, 1.02), title="Validation examples by the probability of the best guess")
    numbers.set(xlabel="probability of the best guess", ylabel="examples")
    numbers.yaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in (curve.xaxis, curve.yaxis, numbers.xaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bins = [dict(each) | {"interval": ends.tolist()} for each, ends in zip(calibration, intervals, strict=True)]
    return Figure(
        "calibration",
        {"calibration": chart_picture(figure)},
        {"pictures": ["calibration.png"], "expected_calibration_error": error, "calibration": bins},
    )


def _interval(count: int, share: float) -> tuple[float, float]:
    found = binomtest(round(count * share), int(count)).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
