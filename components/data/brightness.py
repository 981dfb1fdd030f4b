"""How bright each class is, and which classes are dark: one measure, for the validator and for the pictures."""

import bisect
from collections.abc import Sequence

import numpy as np

BRIGHTEST = 0.999  # share of the pixels below the brightest one of a class; a few white pixels, such as dust, do not count
DARK = 0.5  # A class is dark if its mean and its brightest grey level are below this share of those of the other classes.

# Mean and brightest grey level of a class, `{"mean", "brightest"}`, 0 for black to 255 for white.
Brightness = dict[str, float]


def brightness_of(levels: np.ndarray) -> Brightness | None:
    """Measures the brightness of a class from its grey levels.

    Args:
        levels: int `(256,)`, the number of pixels of each level.

    Returns:
        `{"mean", "brightest"}`, 0..255: the mean level, and the level that 99.9 % of the pixels do not exceed; None without pixels.

    Examples:
        >>> brightness_of(np.bincount([10, 10, 30, 30], minlength=256))
        {'mean': 20.0, 'brightest': 30}
    """
    if not levels.any():
        return None
    below = np.cumsum(levels)
    return {"mean": float(levels @ np.arange(256) / below[-1]), "brightest": int(np.searchsorted(below, BRIGHTEST * below[-1]))}


def dark_classes(brightness: Sequence[Brightness | None]) -> dict[int, Brightness]:
    """Finds the classes of which even the brightest pixels are dark, by comparison with the others.

    A low mean alone is not enough: the stars in photographs of the night are as bright as anything by day.

    Args:
        brightness: of each class, as from `brightness_of`.

    Returns:
        For each dark class, by its label, the medians of the other classes.

    Examples:
        >>> day, dark, night = {"mean": 120, "brightest": 250}, {"mean": 40, "brightest": 90}, {"mean": 20, "brightest": 240}
        >>> dark_classes([day, dark, day, night, day])
        {1: {'mean': 120.0, 'brightest': 250.0}}
    """
    known = [own for own in brightness if own]
    if len(known) < 2:
        return {}
    levels = {measure: sorted(own[measure] for own in known) for measure in known[0]}
    dark = {}
    for label, own in enumerate(brightness):
        if own:
            usual = {measure: _median_of_others(levels[measure], own[measure]) for measure in own}
            if all(own[measure] < DARK * usual[measure] for measure in own):
                dark[label] = usual
    return dark


def _median_of_others(values: Sequence[float], own: float) -> float:
    """The median of sorted values without one of them, which is not copied for each class."""
    place, last = bisect.bisect_left(values, own), len(values) - 2
    middle = [values[rank + (rank >= place)] for rank in (last // 2, (last + 1) // 2)]
    return sum(middle) / 2
