"""Measures every step of the way down from ZFNet's conv5 at 224, and what a product that leaves out zeros would bring after unpooling.

Command: make bench, or .venv/bin/python benchmarks/steps_down.py
Writes benchmarks/steps_down.json, and from it a table in docs/speed.md. Takes about a minute on two cores.
"""

import math
import os
import pathlib
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, versions, write

NAME = "steps_down"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
ROWS, ROUNDS = 32, 7
# Of the values after unpooling, one in four at most is not zero; after the ReLU about half of these.
SHARES = (0.25, 0.125)


def measure() -> dict:
    """Measures processor seconds: the best of some rounds, of both cores together."""
    import keras
    import tensorflow as tf

    from zfnet.model import Deconvnet, ZFNet

    keras.utils.set_random_seed(0)
    square = tf.random.normal((2048, 2048))
    rate = 2 * 2048**3 / taken(tf.function(tf.matmul), square, square)
    deconvnet = Deconvnet(ZFNet(include_top=False))
    return {
        "command": "python benchmarks/steps_down.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions("scipy"),
        "rows": ROWS,
        "matrix_product_rate": rate,
        "steps": steps(deconvnet),
        "products": products(deconvnet),
        "outside": outside(deconvnet),
        "sparse": [sparse(share) for share in SHARES],
    }


def taken(function, *tensors) -> float:
    """Processor seconds of one call, the best of some; they do not count what other programs do."""
    function(*tensors)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        function(*tensors)
        times.append(time.process_time() - start)
    return min(times)


def steps(deconvnet) -> list[dict]:
    """Each operation on the way down from conv5 by itself, on random signals in windows of its size."""
    import tensorflow as tf

    from zfnet.model.deconvnet.windows.plan import Windows

    graph, found = deconvnet.graph, []
    windows = Windows(graph, graph.value_of("conv5"), graph.shapes)
    for operation in windows.operations:
        place, maps = windows.places[operation.output], graph.shapes[operation.output][-1]
        signal, rule = tf.random.normal((ROWS, *place.size, maps)), operation.rule
        kept = tf.cast(tf.random.uniform(signal.shape, 0, 9, tf.int32), tf.uint8) if rule.saves else None
        # Switches as an argument: as a constant they would be compiled into the step.
        given = [signal] if kept is None else [signal, kept]
        step = tf.function(_spread(rule), autograph=False)
        products = math.prod(place.size) * math.prod(operation.layer.kernel.shape) if hasattr(rule, "kernel") else 0
        kind = type(rule).__name__
        found.append({"layer": operation.layer.name, "kind": kind, "size": place.size, "operations": 2 * ROWS * products})
        found[-1]["seconds"] = taken(step, *given)
    return found


def products(deconvnet) -> dict[str, int]:
    """Multiplications of the convolutions on the way down from conv5, in windows and in whole maps."""
    from zfnet.model.deconvnet.windows.plan import Windows

    graph, counts = deconvnet.graph, {"windows": 0, "whole maps": 0}
    windows = Windows(graph, graph.value_of("conv5"), graph.shapes)
    for operation in windows.operations:
        if hasattr(operation.rule, "kernel"):
            filters = math.prod(operation.layer.kernel.shape)
            counts["windows"] += math.prod(windows.places[operation.output].size) * filters
            counts["whole maps"] += math.prod(graph.shapes[operation.output][:-1]) * filters
    return counts


def _spread(rule):
    return lambda signal, kept=None: rule.spread(signal, kept)[0]


def outside(deconvnet) -> float:
    """Share of the image's windows that lies outside of it, for units at all positions alike."""
    import numpy as np

    from zfnet.model import receptive_field

    graph, field = deconvnet.graph, receptive_field(deconvnet, "conv5")
    shares = []
    for axis, count in enumerate(graph.shapes[graph.value_of("conv5")][:-1]):
        start = field.offset[axis] + field.stride[axis] * np.arange(count)
        seen = np.minimum(start + field.size[axis], graph.shapes[0][axis]) - np.maximum(start, 0)
        shares.append(float(seen.mean()) / field.size[axis])
    return 1 - math.prod(shares)


def sparse(share: float) -> dict:
    """The product of the map above conv2, with so many values that are not zero, and conv2's filters: dense and sparse."""
    import numpy as np
    import scipy.sparse
    import tensorflow as tf

    random = np.random.default_rng(0)
    shape = 8 * 15 * 15, 256
    values = np.where(random.random(shape) < share, random.normal(size=shape), 0).astype("float32")
    filters = random.normal(size=(256, 5 * 5 * 96)).astype("float32")
    compressed = scipy.sparse.csr_matrix(values)
    dense = taken(tf.function(tf.matmul, autograph=False), tf.constant(values), tf.constant(filters))
    return {"share": share, "dense": dense, "sparse": taken(lambda: compressed @ filters)}


def table(result: dict) -> str:
    """The result as Markdown."""
    total, rows = sum(step["seconds"] for step in result["steps"]), []
    for step in result["steps"]:
        share = step["seconds"] / total
        # Steps that take no time worth a line.
        if share >= 0.01:
            rate = f"{step['operations'] / step['seconds'] / result['matrix_product_rate']:.0%}" if step["operations"] else ""
            size = "x".join(map(str, step["size"]))
            rows.append([f"{step['layer']}, {step['kind']}", size, f"{1e3 * step['seconds']:.1f} ms", f"{share:.0%}", rate])
    text = markdown(["step", "window above", f"{result['rows']} projections", "of all", "of a matrix product's rate"], rows)
    ideal = sum(step["operations"] for step in result["steps"]) / result["matrix_product_rate"]
    text += f"\nAt the rate of a matrix product the convolutions alone would take {ideal / total:.0%} of this time. "
    windows, whole = (result["products"][way] for way in ("windows", "whole maps"))
    text += f"They have {windows / 1e6:.0f} million multiplications, those of whole maps {whole / windows:.1f} times as many. "
    text += f"On average {result['outside']:.0%} of a window lies outside of the image, if units at all positions are projected alike.\n"
    lines = [
        f"{each['sparse'] / each['dense']:.1f} times the dense one's with {each['share']:.1%} of the values" for each in result["sparse"]
    ]
    return text + f"\nTime of a product that leaves out zeros, below pool2: {', '.join(lines)}.\n" + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
