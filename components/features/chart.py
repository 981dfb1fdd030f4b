"""Draw Tables 4 to 7: accuracy against training images a class, and accuracy of each layer."""

import json
import pathlib

import numpy as np

from zfnet.components.features.transfer import FROM_SCRATCH, STRENGTHS, Accuracy
from zfnet.components.pictures.chart import chart_picture, new_chart
from zfnet.components.pictures.figure import write_png

PICTURE = "features.png"
SIZE = 1200, 460
COLORS = {"softmax": "#1f77b4", "svm": "#ff7f0e", FROM_SCRATCH: "#7f7f7f"}
TITLES = {"softmax": "softmax", "svm": "linear SVM", FROM_SCRATCH: "same net, from scratch"}


def draw_features(results: list[Accuracy], layers: list[str], classes: int, folder: pathlib.Path, facts: dict) -> dict[str, np.ndarray]:
    """Draws accuracies, and writes all numbers.

    Zeiler & Fergus 2013, Tables 4 to 7 and Fig. 9: left, accuracy against training images a class, for classifiers on the last layer's
    frozen features and for the net trained from scratch; right, every layer's features with the most training images. Whiskers are one
    standard deviation over folds, and chance is one over the number of `classes`.

    Args:
        results: see `measure_transfer`.
        layers: names of the layers, from the image upwards.
        folder: gets `features.png` and `features.json`, the latter with the entries of `facts` too.

    Returns:
        `{"features": picture}`, a uint8 array `(height, width, 3)`.
    """
    several = len(layers) > 1
    figure, axes = new_chart(1, 2 if several else 1, SIZE[0] if several else SIZE[0] * 2 // 3, SIZE[1])
    folds = len(results[0].folds)
    _draw_curves(axes[0, 0], results, layers[-1])
    if several:
        _draw_layers(axes[0, 1], results, layers, max(each.per_class for each in results))
    for panel in axes[0]:
        panel.axhline(1 / classes, color="black", linestyle=":", linewidth=1, label=f"chance ({classes} classes)")
        panel.set_ylim(0, 1)
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        panel.set_ylabel(f"mean accuracy per class, {folds} fold{'s' if folds > 1 else ''}")
    axes[0, 0].legend(loc="lower right")
    picture = chart_picture(figure)
    write_png(picture, folder / PICTURE)
    numbers = facts | {"penalties": STRENGTHS, "last_layer": layers[-1], "layers": layers}
    numbers |= {"results": [each.to_json() for each in results], "pictures": [PICTURE]}
    (folder / "features.json").write_text(json.dumps(numbers, indent=1))
    return {"features": picture}


def _draw_curves(panel, results, last):
    for name in COLORS:
        shown = [each for each in results if each.classifier == name and each.layer in (last, None)]
        if shown:
            label = TITLES[name] if name == FROM_SCRATCH else f"{TITLES[name]} on frozen {last}"
            places = [each.per_class for each in shown]
            deviations = [each.deviation or 0 for each in shown]
            panel.errorbar(places, [each.mean for each in shown], deviations, color=COLORS[name], marker="o", capsize=3, label=label)
    panel.set_xticks(sorted({each.per_class for each in results}))
    panel.set_xlim(left=0)
    panel.set_xlabel("training images a class")
    panel.set_title("Few images a class")


def _draw_layers(panel, results, layers, most):
    names = [name for name in COLORS if name != FROM_SCRATCH and any(each.classifier == name for each in results)]
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        found = {each.layer: each for each in results if each.classifier == name and each.per_class == most}
        shown = [found[layer] for layer in layers]
        centres = np.arange(len(layers)) + (place - (len(names) - 1) / 2) * width
        deviations = [each.deviation or 0 for each in shown]
        panel.bar(centres, [each.mean for each in shown], width * 0.92, yerr=deviations, color=COLORS[name], label=TITLES[name])
        for centre, each, deviation in zip(centres, shown, deviations, strict=True):
            if len(layers) <= 8:
                panel.text(centre, each.mean + deviation + 0.01, f"{100 * each.mean:.0f}", ha="center", va="bottom", fontsize=8)
    panel.set_xticks(range(len(layers)), layers, rotation=30 if len(layers) > 8 or max(map(len, layers)) > 8 else 0)
    panel.grid(axis="x", visible=False)
    panel.set_title(f"Features of each layer, {most} image{'s' if most > 1 else ''} a class")
