"""Measures what projections show of a net, and what they would show of any net: pixels hidden, and weights shuffled.

Command: make bench, or .venv/bin/python benchmarks/checks.py [ROOT]
ROOT is the root of a default `zfnet run`; without it one is run first, in a temporary directory (four minutes on two cores).
Measures the run's net, and VGG16's architecture with random weights, on windows of 112 x 112 pixels of the project's photographs. Takes
about six minutes. Writes benchmarks/checks.json, and from it a table in docs/deconvnet.md.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from claims import DOCUMENT, LAYERS, trained
from report import commit, conditions, machine, markdown, photographs, versions, write

NAME = "checks"
VGG16_LAYERS = ["block1_conv2", "block3_conv3", "block5_conv3"]
VGG16_SIDE, VGG16_IMAGES = 112, 32
MAPS, VGG16_MAPS = 24, 12  # Of each layer, evenly spread over those that are ever positive.
MARKS = {
    "deconvnet": "deconvnet",
    "guided": "guided backpropagation",
    "gradient": "gradient",
    "shuffled": "deconvnet of the shuffled net",
    "contrast": "contrast of the image alone",
    "elsewhere": "at random",
}
DOUBTED = {
    "deconvnet": "projections",
    "moved": "the same marks, moved inside the field",
    "contrast": MARKS["contrast"],
    "random": "random marks",
}


def measure() -> dict:
    """Measures both nets."""
    import keras

    from zfnet.model import Deconvnet

    net, images, _, _ = trained()
    keras.utils.set_random_seed(0)
    vgg16 = keras.applications.VGG16(weights=None, include_top=False, input_shape=(VGG16_SIDE, VGG16_SIDE, 3))
    windows = photographs(VGG16_IMAGES, VGG16_SIDE)
    return {
        "command": "python benchmarks/checks.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions("scipy", "scikit-image"),
        "nets": {
            "the net of `zfnet run`": measured(Deconvnet(net), images, LAYERS, MAPS, count_doubtful=True),
            f"VGG16, random weights, {VGG16_SIDE} pixels": measured(Deconvnet(vgg16), windows, VGG16_LAYERS, VGG16_MAPS),
        },
    }


def measured(deconvnet, images, layers: list[str], maps: int, *, count_doubtful: bool = False) -> dict:
    """Falls, likenesses and edges of some maps of each layer, at their strongest activations over the images; doubts of all maps."""
    from zfnet.model import strongest_activations

    strongest = strongest_activations(deconvnet, [images], layers, k=1)
    fill, found = images.mean(axis=(0, 1, 2)), {}
    for layer in layers:
        living = np.flatnonzero(strongest[layer].values[:, 0] > 0)
        units = living[np.unique(np.linspace(0, len(living) - 1, maps).round().astype(int))]
        found[layer] = of_layer(deconvnet, images, layer, strongest[layer], units, fill)
        if count_doubtful:
            found[layer]["doubtful"] = doubtful(deconvnet, images, layer, strongest[layer], living, fill)
        print(layer, found[layer], flush=True)
    return {"images": len(images), "layers": found}


def of_layer(deconvnet, images, layer: str, strongest, units, fill) -> dict:
    """The measures of one layer: medians of falls, means of likenesses."""
    from zfnet.model.deconvnet.targets import Targets
    from zfnet.model.measures.projection_check import field_boxes, hide_marked, pixel_strengths
    from zfnet.model.measures.shuffled_weights import check_layers_of, shuffled, weighted_layers
    from zfnet.model.methods.gradients import activation_gradients

    given, positions = images[strongest.examples[units, 0]], strongest.positions[units, 0]
    places = (each.astype(np.int32) for each in (np.arange(len(units)), units, positions))
    targets = Targets(*places, strengths=strongest.values[units, 0])
    ones = targets._replace(strengths=np.ones(len(units), np.float32))
    weighted = list(weighted_layers(deconvnet.graph, layer).values())
    strengths = {"deconvnet": pixel_strengths(deconvnet.record(given, [layer]).project(layer, units, positions, targets.examples))}
    for name, guided in (("guided", True), ("gradient", False)):
        strengths[name] = pixel_strengths(activation_gradients(deconvnet, given, layer, units, positions, guided=guided))
    with shuffled(weighted, range(len(weighted))):
        strengths["shuffled"] = pixel_strengths(deconvnet.record_batch(given, [layer]).images_of(layer, ones)[0])
    strengths["contrast"] = np.abs(given - fill).sum(axis=-1)
    falls, needed = {}, {}
    for share in (0.1, 0.2):
        checks = {
            name: hide_marked(deconvnet, given, layer, targets, marks, fill, share=share, draws=3 if name == "deconvnet" else 1)
            for name, marks in strengths.items()
        }
        medians = {name: float(np.nanmedian(check.fall)) for name, check in checks.items()}
        falls[str(share)] = medians | {"elsewhere": float(np.nanmedian(checks["deconvnet"].fall_elsewhere))}
        needed[str(share)] = float(np.mean([one > other for one, other in zip(*checks["deconvnet"], strict=True)]))
    boxes = field_boxes(deconvnet, given, layer, positions)
    check = check_layers_of(deconvnet, given, layer, targets)
    return {
        "maps": len(units),
        "falls": falls,
        "needed": needed,  # Share of the maps whose activation falls further without the marked pixels than without others.
        "edges": {name: edge_correlation(given, strengths[name], boxes) for name in ("deconvnet", "shuffled")},
        "layers": check.layers,
        **{kind: [each._asdict() for each in getattr(check, kind)] for kind in ("alone", "above", "below")},
    }


def doubtful(deconvnet, images, layer: str, strongest, units, fill) -> dict:
    """Share of the maps whose check is doubtful, for projections, and for marks that mean nothing."""
    from zfnet.components.pictures.projection_checks import MARGIN
    from zfnet.model.deconvnet.targets import Targets
    from zfnet.model.measures.projection_check import field_boxes, hide_marked, pixel_strengths

    random = np.random.default_rng(0)
    given, positions = images[strongest.examples[units, 0]], strongest.positions[units, 0]
    targets = Targets(np.arange(len(units)), units, positions, strongest.values[units, 0])
    marks = {"deconvnet": pixel_strengths(deconvnet.record(given, [layer]).project(layer, units, positions, targets.examples))}
    marks["moved"] = np.zeros_like(marks["deconvnet"])
    for row, (top, left, bottom, right) in enumerate(field_boxes(deconvnet, given, layer, positions)):
        inside = np.s_[row, top:bottom, left:right]
        marks["moved"][inside] = np.roll(marks["deconvnet"][inside], random.integers(1, (bottom - top, right - left)), (0, 1))
    marks["random"] = random.random(given.shape[:3]) + 1
    marks["contrast"] = np.abs(given - fill).sum(axis=-1)
    checks = {name: hide_marked(deconvnet, given, layer, targets, each, fill) for name, each in marks.items()}
    return {"maps": len(units)} | {name: float(np.mean(fall - np.maximum(other, 0) < MARGIN)) for name, (fall, other) in checks.items()}


def edge_correlation(images, strengths, boxes) -> float:
    """Mean rank correlation between the strengths of pixels and those of the image's edges (Sobel), inside the receptive fields."""
    from scipy.stats import spearmanr
    from skimage.filters import sobel

    found = []
    for image, strength, (top, left, bottom, right) in zip(images, strengths, boxes, strict=True):
        window = slice(top, bottom), slice(left, right)
        edges = sobel(image.mean(axis=-1))[window]
        if np.ptp(edges) and np.ptp(strength[window]):
            found.append(spearmanr(edges.ravel(), strength[window].ravel()).statistic)
    return float(np.mean(found))


def table(result: dict) -> str:
    """The result as Markdown."""
    text = ""
    for net, found in result["nets"].items():
        rows = [
            [f"{layer}, {one['maps']} maps", *(f"{one['falls']['0.1'][key]:z.0%} ({one['falls']['0.2'][key]:z.0%})" for key in MARKS)]
            for layer, one in found["layers"].items()
        ]
        text += markdown([f"{net}: pixels marked by", *MARKS.values()], rows) + "\n"
    text += (
        "Fall of the strongest activation of a map when the tenth of the pixels of its field that are marked are set to the mean colour;\n"
    )
    text += "in brackets the fifth. Medians over the maps.\n\n"
    for net, found in result["nets"].items():
        counted = {layer: one["doubtful"] for layer, one in found["layers"].items() if "doubtful" in one}
        rows = [[f"{layer}, {one['maps']} maps", *(f"{one[key]:.0%}" for key in DOUBTED)] for layer, one in counted.items()]
        if rows:
            text += markdown([f"{net}: doubtful", *DOUBTED.values()], rows) + "\n"
            text += (
                "Share of the maps that are ever positive whose activation falls less than 10 points further without the marked tenth of\n"
            )
            text += "pixels than without others.\n\n"
    for net, found in result["nets"].items():
        rows = []
        for layer, one in found["layers"].items():
            likenesses = one["alone"][-1], one["alone"][0], one["below"][-1]
            cells = [f"{each['pattern']:.2f} / {each['places']:.2f} / {each['ssim']:.2f}" for each in likenesses]
            rows.append([layer, *cells, *(f"{one['edges'][name]:.2f}" for name in ("deconvnet", "shuffled"))])
        text += markdown([f"{net}: shuffled", "that layer", "the first layer", "all layers", "edges", "edges, all shuffled"], rows) + "\n"
    text += (
        "Likeness of the projections to those with shuffled weights: rank correlation of the pixels' signed values / of their strengths /\n"
    )
    text += "SSIM. Edges: rank correlation between the strengths of a projection and the edges of the image (Sobel).\n"
    return text + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
