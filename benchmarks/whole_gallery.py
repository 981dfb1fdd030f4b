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
    """Measures the gallery of ZFNet."""
    import keras

    from zfnet.model import Deconvnet, ZFNet

    keras.utils.set_random_seed(0)
    return {
        "command": "python benchmarks/whole_gallery.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        **gallery(Deconvnet(ZFNet(include_top=False)), photographs(IMAGES, 224), LAYERS),
    }


def gallery(deconvnet, images, layers: list[str], units: int | None = None) -> dict:
    """Runs both passes of a gallery once, and the part of the second that prepares projections once more by itself.

    Args:
        deconvnet: of the net.
        images: `(N, H, W, 3)`, those to search.
        layers: whose nine strongest activations are found and projected.
        units: how many maps of each layer are projected, the first; `None` for all.

    Returns:
        Seconds of the parts, operations of their convolutions, and the rate of a matrix product in the same run.
    """
    import numpy as np

    from zfnet.model import project_strongest, strongest_activations

    batches = [(images[start : start + BATCH], range(start, min(start + BATCH, len(images)))) for start in range(0, len(images), BATCH)]
    found, chosen, made = {}, {}, dict.fromkeys(layers, 0)

    def search():
        found.update(strongest_activations(deconvnet, batches, layers, K))

    def project():
        for part in project_strongest(deconvnet, batches, found, chosen):
            made[part.layer] += len(part.units)

    def record():
        for batch, ids in batches:
            rows = np.flatnonzero(np.isin(ids, needed))
            for start in range(0, len(rows), TOGETHER):
                find_switches(deconvnet, batch[rows[start : start + TOGETHER]], layers)

    strongest_activations(deconvnet, batches[:2], layers, K)
    rates = [matrix_product_rate()]
    taken = {"search": seconds(search)}
    for layer in layers:
        values = found[layer].values[:units]
        chosen[layer] = tuple(numbers.ravel() for numbers in np.indices(values.shape))
    needed = np.unique(np.concatenate([found[layer].examples[chosen[layer]] for layer in layers]))
    taken["projections"] = seconds(project)
    taken["switches"] = seconds(record)
    taken["projections"] -= taken["switches"]
    rates.append(matrix_product_rate())
    operations = operations_needed(deconvnet, made, len(images), len(needed))
    rate = sum(rates) / len(rates)
    return {
        "images": len(images),
        "images_projected_from": len(needed),
        "projections": made,
        "seconds": taken,
        "operations": operations,
        "matrix_product_rates": rates,
        "limit_seconds": {name: count / rate for name, count in operations.items()},
    }


def find_switches(deconvnet, images, layers: list[str]):
    """Runs a forward pass to some layers with its switches, which are otherwise found when they are first needed; gives the recording."""
    recording = deconvnet.record_batch(images, layers)
    for operation in needed_for(deconvnet, layers):
        if operation.rule.saves:
            recording._save(operation)
    return recording


def needed_for(deconvnet, layers: list[str]) -> list:
    """Operations of the graph that some layers depend on."""
    return deconvnet.graph.needed_for(*(deconvnet.graph.value_of(layer) for layer in layers))


def operations_needed(deconvnet, projections: dict[str, int], searched: int, recorded: int) -> dict[str, float]:
    """Multiplications and additions of the convolutions alone, each position of each window once.

    Args:
        deconvnet: of the net.
        projections: number of them from each layer.
        searched: images of the search.
        recorded: images that must run up to the highest pooling once more, for the switches.

    Returns:
        Operations of the search, of finding the switches, and of the projections.
    """
    import math

    from zfnet.model.deconvnet.windows.plan import Windows, signal_inputs

    graph = deconvnet.graph

    def upwards(values):
        needed = [operation for operation in graph.needed_for(*values) if hasattr(operation.rule, "kernel")]
        return sum(2 * math.prod(graph.shapes[each.output][:-1]) * math.prod(each.layer.kernel.shape) for each in needed)

    def downwards(value):
        windows, total, several = Windows(graph, value, graph.shapes), 0, set()
        for operation in windows.operations:
            place = windows.places.get(operation.output)
            if hasattr(operation.rule, "kernel"):
                kernel = math.prod(operation.layer.kernel.shape)
                # From a single unit, one map of the filters is all that counts.
                maps = 1 if operation.output in several else graph.shapes[operation.output][-1]
                total += 2 * math.prod(place.size if place else graph.shapes[operation.output][:-1]) * kernel / maps
            if operation.output in several or hasattr(operation.rule, "kernel"):
                several.update(signal_inputs(operation))
        return total

    pooled = [number for operation in needed_for(deconvnet, [*projections]) if operation.rule.saves for number in operation.inputs]
    return {
        "search": searched * upwards([graph.value_of(layer) for layer in projections]),
        "switches": recorded * upwards(pooled),
        "projections": sum(count * downwards(graph.value_of(layer)) for layer, count in projections.items()),
    }


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
