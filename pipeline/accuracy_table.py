"""What `zfnet features` prints: accuracies as tables."""

from collections.abc import Sequence

from zfnet.components.features.transfer import FROM_SCRATCH, Accuracy
from zfnet.components.figures.features import TITLES
from zfnet.pipeline.aligned_table import aligned_table


def accuracy_table(results: Sequence[Accuracy], layers: Sequence[str], last: str) -> list[str]:
    """The tables as text: a line a classifier with a column a number of training images, then a line a layer."""
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
