"""Measures projections a second in nets with branches: windows of the receptive field against whole maps, in turns.

Command: make bench, or .venv/bin/python benchmarks/branches.py
Writes benchmarks/branches.json, and from it a table in docs/speed.md. Takes about five minutes on two cores.
"""

import os
import pathlib
import statistics

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from projections import whole_maps
from report import commit, conditions, machine, markdown, photographs, seconds, versions, write

NAME = "branches"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
SIDE = 224
LAYERS = {
    "ResNet50": ("conv2_block3_out", "conv3_block4_out"),
    "MobileNetV2": ("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu"),
    "DenseNet121": ("pool2_pool", "pool3_pool"),
    "EfficientNetB0": ("block3a_expand_activation",),
    "InceptionV3": ("mixed0",),
}
IMAGES, ROUNDS = 4, 3
# Whole maps are many times slower, and get less to do.
PROJECTIONS, FEWER = 64, 8


def measure() -> dict:
    """Measures net by net, the layers of each in rounds."""
    rows = []
    for name, layers in LAYERS.items():
        deconvnet, images = net(name), photographs(IMAGES, SIDE) / 128
        recording = deconvnet.record(images, list(layers))
        works = {}
        for layer in layers:
            row = {"net": name, "layer": layer, "first": seconds(project, recording, layer, 1)}
            row["second"] = seconds(project, recording, layer, 1)
            works[layer] = row, {"windows": [], "whole": []}
            # So often that both are compiled, by XLA too.
            for _ in range(9):
                project(recording, layer, 1)
                project_whole(recording, layer, 1)
            for _ in range(6):
                project(recording, layer, PROJECTIONS)
            for _ in range(2):
                project_whole(recording, layer, FEWER)
        for _ in range(ROUNDS):
            for layer, (_, taken) in works.items():
                taken["windows"].append(PROJECTIONS / seconds(project, recording, layer, PROJECTIONS))
                taken["whole"].append(FEWER / seconds(project_whole, recording, layer, FEWER))
        for row, taken in works.values():
            rows.append(row | {way: {"median": statistics.median(rates), "best": max(rates)} for way, rates in taken.items()})
    return {
        "command": "python benchmarks/branches.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "rounds": ROUNDS,
        "rows": rows,
    }


def net(name: str):
    """A deconvnet of a net of `keras.applications` with random weights, whose norms keep its activations alive."""
    import keras
    import numpy as np

    from zfnet.model import Deconvnet

    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        # With a momentum of 0, one pass makes its moving statistics those of the images.
        layer.momentum = 0.0
        layer.beta.assign(random.normal(scale=0.3, size=layer.beta.shape))
    if norms:
        model(photographs(8, SIDE) / 128, training=True)
    return Deconvnet(model, unsupported="literature")


def project(recording, layer: str, count: int) -> None:
    """Projects the strongest activations of `count` maps, of one image after another."""
    import numpy as np

    numbers = np.arange(count)
    recording.project_patches(layer, numbers % recording.activations(layer).shape[-1], None, numbers % IMAGES)


def project_whole(recording, layer: str, count: int) -> None:
    """The same through whole maps."""
    with whole_maps():
        project(recording, layer, count)


def table(result: dict) -> str:
    """The result as Markdown."""
    head = ["net", "from", "windows", "whole maps", "windows are faster by", "first call", "of it without the second"]
    rows = []
    for row in result["rows"]:
        windows, whole = row["windows"], row["whole"]
        cells = [f"{rate['median']:,.0f} ({rate['best']:,.0f})" for rate in (windows, whole)]
        ratio = f"{windows['median'] / whole['median']:.1f} ({windows['best'] / whole['best']:.1f})"
        rows.append([row["net"], row["layer"], *cells, ratio, f"{row['first']:.1f} s", f"{row['first'] - row['second']:.1f} s"])
    return markdown(head, rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
