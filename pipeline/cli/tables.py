"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zfnet.components.features.transfer import Accuracy

UNLIMITED = 100_000  # columns: rich wraps what is wider than its console
ENSEMBLE = "all, probabilities averaged"


def aligned_table(cells: Sequence[Sequence[str]], text_columns: int = 1, indent: int = 0) -> list[str]:
    """The lines of a table without borders: text to the left, numbers to the right, nothing wrapped or cut.

    The first row of `cells` holds the headings. The first `text_columns` columns hold text. Each line begins with `indent` spaces.

    Examples:
        >>> aligned_table([["error", "top-1"], ["zfnet-small", "21.3%"]])
        ['error        top-1', 'zfnet-small  21.3%']
    """
    from rich.console import Console
    from rich.table import Table

    headings, *rows = cells
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column, heading in enumerate(headings):
        table.add_column(heading, justify="left" if column < text_columns else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(width=UNLIMITED, color_system=None, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return [(" " * indent + line).rstrip() for line in captured.get().splitlines()]


def error_table(models: Sequence[dict[str, Any]], ensemble: dict[str, Any] | None, classes: int) -> list[str]:
    """The lines of the table: a heading, each model, and the ensemble if there is one.

    Each of `models` has its name, `model`, and the errors `top1_error`, `top5_error`, `top1_error_ten_crop` and `top5_error_ten_crop`, as
    fractions; the last two may be None. `ensemble` has the same errors. With N < 5 `classes`, the top-5 error is headed top-N.
    """
    rows = [*models, *([{"model": ENSEMBLE, **ensemble}] if ensemble else [])]
    columns = {
        f"top{k}_error{crops}": f"top-{min(k, classes)}{name}" for crops, name in (("", ""), ("_ten_crop", ", ten crops")) for k in (1, 5)
    }
    columns = {key: heading for key, heading in columns.items() if rows[0][key] is not None}
    cells = [["error", *columns.values()], *([row["model"], *(f"{row[key]:.1%}" for key in columns)] for row in rows)]
    return aligned_table(cells)


def accuracy_table(results: Sequence[Accuracy], layers: Sequence[str], last: str) -> list[str]:
    """The lines of two tables: a row per classifier with a column per number of training images, then a row per layer."""
    from zfnet.components.features.chart import TITLES
    from zfnet.components.features.transfer import FROM_SCRATCH

    per_class = sorted({each.per_class for each in results})
    found = {(each.classifier, each.layer, each.per_class): each for each in results}
    names = list(dict.fromkeys(each.classifier for each in results))
    rows = [["images a class", *map(str, per_class)]]
    for name in names:
        layer, title = (None, TITLES[name]) if name == FROM_SCRATCH else (last, f"{TITLES[name]} on {last}")
        rows.append([title, *(_percent(found[name, layer, n]) for n in per_class)])
    lines = aligned_table(rows)
    if len(layers) > 1:
        frozen = [name for name in names if name != FROM_SCRATCH]
        rows = [[f"{per_class[-1]} images a class", *(TITLES[name] for name in frozen)]]
        rows += [[layer, *(_percent(found[name, layer, per_class[-1]]) for name in frozen)] for layer in layers]
        lines += ["", *aligned_table(rows)]
    return lines


def _percent(accuracy: Accuracy) -> str:
    deviation = "" if accuracy.deviation is None else f" ± {100 * accuracy.deviation:.1f}"
    return f"{100 * accuracy.mean:.1f} %{deviation}"
