"""Measures the search for the strongest activations: against the bare forward pass, and its memory.

Command: make bench, or .venv/bin/python benchmarks/search.py
Writes benchmarks/search.json, and from it a table in docs/speed.md. Takes about four minutes on two cores.
"""

import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, photographs, seconds, versions, write

NAME = "search"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
K = 9
NETS = {"zfnet": (224, 32, 20), "zfnet-small": (96, 64, 60)}  # Side, images a batch, batches.
ROUNDS = 7
EXAMPLES = (1000, 20000)


def measure_ratio(name: str) -> dict:
    """Seconds of the search of all layers, and of the forward pass to the deepest of them, in turns."""
    import keras
    import tensorflow as tf

    from zfnet.model import Deconvnet, build, strongest_activations

    side, size, count = NETS[name]
    keras.utils.set_random_seed(0)
    net = build(name, (side, side, 3), 15, include_top=False)
    deconvnet = Deconvnet(net)
    bare = keras.Model(net.input, net.get_layer(LAYERS[-1]).output)
    forward = tf.function(lambda images: bare(images, training=False))
    images = photographs(size * count, side)
    batches = [images[start : start + size] for start in range(0, len(images), size)]

    def run_forward():
        for batch in batches:
            forward(batch).numpy()

    def run_search():
        strongest_activations(deconvnet, batches, LAYERS, K)

    run_forward(), run_search()
    taken = [(seconds(run_forward), seconds(run_search)) for _ in range(ROUNDS)]
    return {
        "images": len(images),
        "forward_seconds": statistics.median(one for one, _ in taken),
        "search_seconds": statistics.median(other for _, other in taken),
        "ratio": statistics.median(other / one for one, other in taken),
        "ratio_of_best": min(other for _, other in taken) / min(one for one, _ in taken),
    }


def search_examples(count: int) -> None:
    """Searches `count` generated examples in this process, and prints the peak of its memory in MiB."""
    import keras
    import numpy as np

    from zfnet.model import build, strongest_activations

    keras.utils.set_random_seed(0)
    net = build("zfnet-small", (96, 96, 3), 15, include_top=False)
    random = np.random.default_rng(0)
    batches = (random.normal(scale=50, size=(50, 96, 96, 3)).astype("float32") for _ in range(count // 50))
    strongest_activations(net, batches, LAYERS, K)
    print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def table(result: dict) -> str:
    """The result as Markdown."""
    rows = [
        [name, f"{one['images']:,}", f"{one['forward_seconds']:.2f} s", f"{one['search_seconds']:.2f} s", f"{one['ratio']:.2f}"]
        for name, one in result["ratio"].items()
    ]
    text = markdown(["net", "images", "forward pass to conv5", f"strongest {K} of conv1 to conv5", "ratio"], rows) + "\n"
    rows = [[f"{int(count):,}", f"{peak:,.0f} MiB"] for count, peak in result["peak_memory_mib"].items()]
    return text + markdown(["examples searched (zfnet-small)", "peak memory of the process"], rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    peaks = {}
    for count in EXAMPLES:
        run = subprocess.run([sys.executable, __file__, str(count)], check=True, capture_output=True, text=True)
        peaks[str(count)] = json.loads(run.stdout)
    result = {
        "command": "python benchmarks/search.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "rounds": ROUNDS,
        "ratio": {name: measure_ratio(name) for name in NETS},
        "peak_memory_mib": peaks,
    }
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    search_examples(int(sys.argv[1])) if len(sys.argv) > 1 else main()
