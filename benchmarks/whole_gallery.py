"""Measures a whole gallery of ZFNet at 224: 1,376 feature maps, nine projections each, over 2,000 images, and the arithmetic limit.

Command: make bench, or .venv/bin/python benchmarks/whole_gallery.py
Writes benchmarks/whole_gallery.json, and from it a table in docs/speed.md. Takes about four minutes on two cores.
"""

import os
import pathlib

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, matrix_product_rate, photographs, seconds, versions, write

NAME = "whole_gallery"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
IMAGES, BATCH, K = 2000, 32, 9
TOGETHER = 16  # Images that are recorded together.


def measure() -> dict:
    """Runs both passes of the gallery once, and the part of the second that prepares projections once more by itself."""
    import keras
    import numpy as np

    from zfnet.model import Deconvnet, ZFNet, project_strongest, strongest_activations

    keras.utils.set_random_seed(0)
    deconvnet = Deconvnet(ZFNet(include_top=False))
    images = photographs(IMAGES, 224)
    batches = [(images[start : start + BATCH], range(start, min(start + BATCH, IMAGES))) for start in range(0, IMAGES, BATCH)]
    found, made = {}, dict.fromkeys(LAYERS, 0)

    def search():
        found.update(strongest_activations(deconvnet, batches, LAYERS, K))

    def project():
        for part in project_strongest(deconvnet, batches, found):
            made[part.layer] += len(part.units)

    pools = [operation for operation in deconvnet.graph.needed_for(deconvnet.graph.value_of("conv5")) if operation.rule.saves]

    def record():
        for batch, ids in batches:
            rows = np.flatnonzero(np.isin(ids, needed))
            for start in range(0, len(rows), TOGETHER):
                recording = deconvnet.record_batch(batch[rows[start : start + TOGETHER]], LAYERS)
                for operation in pools:
                    recording._save(operation)

    strongest_activations(deconvnet, batches[:2], LAYERS, K)
    rates = [matrix_product_rate()]
    taken = {"search": seconds(search)}
    needed = np.unique(np.concatenate([found[layer].examples.ravel() for layer in LAYERS]))
    taken["projections"] = seconds(project)
    taken["switches"] = seconds(record)
    taken["projections"] -= taken["switches"]
    rates.append(matrix_product_rate())
    operations = operations_needed(deconvnet, made, len(needed))
    rate = sum(rates) / len(rates)
    return {
        "command": "python benchmarks/whole_gallery.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "images": IMAGES,
        "images_projected_from": len(needed),
        "projections": made,
        "seconds": taken,
        "operations": operations,
        "matrix_product_rates": rates,
        "limit_seconds": {name: count / rate for name, count in operations.items()},
    }


def operations_needed(deconvnet, projections: dict[str, int], recorded: int) -> dict[str, float]:
    """Multiplications and additions of the convolutions alone, each position of each window once.

    Args:
        deconvnet: of the net.
        projections: number of them from each layer.
        recorded: images that must run up to pool2 once more, for the switches.

    Returns:
        Operations of the search, of finding the switches, and of the projections.
    """
    graph = deconvnet.graph

    def convolutions(value):
        return [operation for operation in graph.needed_for(value) if hasattr(operation.rule, "kernel")]

    def upwards(value):
        return sum(2 * _places(graph.shapes[op.output]) * _size(op.layer.kernel.shape) for op in convolutions(value))

    def downwards(value):
        size, total = (1, 1), 0
        for operation in graph.needed_for(value)[::-1]:
            if hasattr(operation.rule, "kernel"):
                # From a single unit, one map of the filters is all that counts.
                maps = 1 if size == (1, 1) else operation.layer.kernel.shape[3]
                total += 2 * size[0] * size[1] * _size(operation.layer.kernel.shape[:3]) * maps
            size = operation.rule.window.span(size)
        return total

    return {
        "search": IMAGES * upwards(graph.value_of("conv5")),
        "switches": recorded * upwards(graph.value_of("pool2")),
        "projections": sum(count * downwards(graph.value_of(layer)) for layer, count in projections.items()),
    }


def _places(shape):
    return shape[0] * shape[1]


def _size(shape):
    total = 1
    for length in shape:
        total *= length
    return total


def table(result: dict) -> str:
    """The result as Markdown."""
    rows = []
    parts = {
        "search": "first pass: search",
        "switches": "second pass: forward to pool2, switches",
        "projections": "second pass: projections",
    }
    for name, what in parts.items():
        taken, limit = result["seconds"][name], result["limit_seconds"][name]
        rows.append([what, f"{taken:.0f} s", f"{result['operations'][name] / 1e12:.1f}", f"{limit:.0f} s", f"{limit / taken:.0%}"])
    taken, limit = sum(result["seconds"].values()), sum(result["limit_seconds"].values())
    total = sum(result["operations"].values())
    rows.append(["all", f"{taken:.0f} s", f"{total / 1e12:.1f}", f"{limit:.0f} s", f"{limit / taken:.0%}"])
    rate = sum(result["matrix_product_rates"]) / len(result["matrix_product_rates"]) / 1e9
    text = markdown(["part", "takes", "10¹² operations of its convolutions", f"at {rate:.0f} · 10⁹ a second", "of the limit"], rows)
    count = f"{sum(result['projections'].values()):,} projections over {result['images']:,} images"
    return text + f"\n{count}; the rate is that of a matrix product on this machine, in the same run.\n" + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
