"""Errors of several models as a table, as Zeiler & Fergus 2013, Table 2, has them."""

from collections.abc import Sequence
from typing import Any

from zfnet.pipeline.aligned_table import aligned_table

ENSEMBLE = "all, probabilities averaged"


def error_table(models: Sequence[dict[str, Any]], ensemble: dict[str, Any] | None, classes: int) -> list[str]:
    """The lines of the table: a heading, each model, and the ensemble if there is one.

    Args:
        models: for each its name, `model`, and the errors `top1_error`, `top5_error`, `top1_error_ten_crop` and `top5_error_ten_crop`, as
            fractions; the last two may be None.
        ensemble: the same errors, or None.
        classes: how many there are; among fewer than five, fewer guesses are given.
    """
    rows = [*models, *([{"model": ENSEMBLE, **ensemble}] if ensemble else [])]
    columns = {
        f"top{k}_error{crops}": f"top-{min(k, classes)}{name}" for crops, name in (("", ""), ("_ten_crop", ", ten crops")) for k in (1, 5)
    }
    columns = {key: heading for key, heading in columns.items() if rows[0][key] is not None}
    cells = [["error", *columns.values()], *([row["model"], *(f"{row[key]:.1%}" for key in columns)] for row in rows)]
    return aligned_table(cells)
