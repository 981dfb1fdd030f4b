"""Measures where a training step goes, by operation, and what determinism costs it.

Command: make bench BENCHMARKS=step_profile, or .venv/bin/python benchmarks/step_profile.py
Writes benchmarks/step_profile.json, and from it two tables in docs/speed.md. Takes about five minutes on two cores.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, matrix_product_rate, seconds, versions, with_table, write
from steps import CLASSES, training_step

NAME = "step_profile"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
BATCH = 64
NETS = {"zfnet": 224, "zfnet-small": 96}
ROUNDS = {"zfnet": 5, "zfnet-small": 25}
DETERMINISTIC, FREE = "deterministic", "`--no-deterministic`"
# Groups of operations, by a pattern of their names in a profile; the first that fits counts.
FORWARD, INPUTS, FILTERS = "forward", "gradient of inputs", "gradient of filters"
GROUPS = [
    (r"^gradient_tape/[^/]*/(?P<layer>conv\d)_.*BackpropInput", INPUTS),
    (r"^gradient_tape/[^/]*/(?P<layer>conv\d)_.*(BackpropFilter|BiasAddGrad)", FILTERS),
    (r"^gradient_tape/[^/]*/conv.*ReluGrad", "ReLUs, gradient"),
    (r"^gradient_tape/[^/]*/(?P<layer>pool\d)_", "gradient"),
    (r"^gradient_tape/[^/]*/(fc|predictions|dropout)", "dense layers, gradients"),
    (r"^[^/]*/(?P<layer>conv\d)_\d+/", FORWARD),
    (r"^[^/]*/(?P<layer>pool\d)_\d+/", FORWARD),
    (r"^[^/]*/norm\d_\d+/", "contrast normalisation, forward"),
    (r"^[^/]*/(fc|predictions|dropout)", "dense layers, forward"),
    (r"^\w*sgd/(update|.*Momentum)", "optimizer"),
    (r"^\w*sgd/", "clip of filters"),
    (r"^global_norm", "check for numbers that are not finite"),
    (r"^(mul|Square|sub|gradient_tape/[^/]*/norm)[_\d/:]*", "contrast normalisation, gradient"),
]
OPERATION = re.compile(r"^[\w./-]+:_?[A-Z]\w+$")


def work(net: str, kind: str):
    """The training step of one kind."""
    import tensorflow as tf

    if kind == DETERMINISTIC:
        tf.config.experimental.enable_op_determinism()
    return training_step(net, NETS[net], BATCH)


def serve(net: str, kind: str) -> None:
    """Answers each line of the standard input with the seconds of one step."""
    step = work(net, kind)
    step()
    for _ in sys.stdin:
        print(seconds(step), flush=True)


def measure_steps(net: str) -> dict:
    """Seconds of a step by kind, each kind in a process of its own, in turns."""
    processes = {
        kind: subprocess.Popen([sys.executable, __file__, "serve", net, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for kind in (DETERMINISTIC, FREE)
    }
    taken = {kind: [] for kind in (DETERMINISTIC, FREE)}

    def ask(process) -> float:
        process.stdin.write("\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    try:
        for process in processes.values():
            ask(process)
        for _ in range(ROUNDS[net]):
            for kind, process in processes.items():
                taken[kind].append(ask(process))
    finally:
        for process in processes.values():
            process.stdin.close()
            process.wait()
    return taken


def profile(net: str, kind: str) -> dict:
    """Seconds of each group of operations in one step, one operation at a time on all cores; and the matrix product's rate."""
    import tempfile

    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(1)
    step, steps = work(net, kind), 3
    step()
    step()
    rate = matrix_product_rate()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        whole = seconds(lambda: [step() for _ in range(steps)]) / steps
        tf.profiler.experimental.stop()
        events = read_events(next(pathlib.Path(folder).rglob("*.xplane.pb")))
    groups = {}
    for name, duration in events:
        if OPERATION.match(name):
            group = group_of(name)
            groups[group] = groups.get(group, 0.0) + duration / steps
    return {"step": whole, "groups": groups, "matrix_product_rate": rate}


def read_events(file: pathlib.Path) -> list[tuple[str, float]]:
    """Names and seconds of all events on the CPU in a profile."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace.FromString(file.read_bytes())
    return [
        (plane.event_metadata[event.metadata_id].name, event.duration_ps / 1e12)
        for plane in space.planes
        if "CPU" in plane.name
        for line in plane.lines
        for event in line.events
    ]


def group_of(name: str) -> str:
    """The group of an operation, by its name in a profile.

    Examples:
        >>> group_of("gradient_tape/zfnet_1/conv2_1/convolution/Conv2DBackpropFilter:_MklNativeConv2DBackpropFilterWithBias")
        'conv2, gradient of filters'
    """
    for pattern, group in GROUPS:
        if found := re.match(pattern, name):
            return f"{found['layer']}, {group}" if "layer" in found.groupdict() else group
    return "other"


def operations(net: str) -> dict[str, float]:
    """Multiplications and additions of a step, by group: of convolutions and dense layers."""
    from zfnet.model.net.build import build

    counts = {"dense layers, forward": 0.0, "dense layers, gradients": 0.0}
    for layer in build(net, (NETS[net], NETS[net], 3), CLASSES).layers:
        if hasattr(layer, "kernel"):
            positions = layer.output.shape[1:-1]
            one = 2.0 * BATCH * int(layer.kernel.shape.num_elements()) * (positions[0] * positions[1] if positions else 1)
            if positions:
                counts |= {f"{layer.name}, {part}": one for part in (FORWARD, FILTERS, *([INPUTS] if layer.name != "conv1" else []))}
            else:
                counts["dense layers, forward"] += one
                counts["dense layers, gradients"] += 2 * one
    return counts


def table(result: dict) -> str:
    """Where a step of ZFNet goes, as Markdown."""
    found, counts = result["profiles"]["zfnet"], result["operations"]["zfnet"]
    rate, whole = found["matrix_product_rate"], sum(found["groups"].values())
    rows = []
    for group, taken in sorted(found["groups"].items(), key=lambda item: -item[1]):
        speed = [f"{counts[group] / taken / 1e9:.0f}", f"{counts[group] / taken / rate:.0%}"] if group in counts else ["", ""]
        rows.append([group, f"{1000 * taken:.0f}", f"{taken / whole:.1%}", *speed])
    limit = sum(counts.values()) / rate
    words = (
        f"\nA matrix product reaches {rate / 1e9:.0f} · 10⁹ operations a second. At this rate the {sum(counts.values()) / 1e9:.0f} · 10⁹ "
        f"operations of convolutions and dense layers take {limit:.2f} s, {limit / whole:.0%} of the sum of this table, {whole:.2f} s.\n"
    )
    head = ["ZFNet at 224, batches of 64", "ms", "share", "10⁹ operations a second", "of a matrix product"]
    return markdown(head, rows) + words + conditions(result)


def determinism_table(result: dict) -> str:
    """What determinism costs, as Markdown."""
    rows = []
    for net, taken in result["seconds"].items():
        ratio = statistics.median(one / free for one, free in zip(taken[DETERMINISTIC], taken[FREE], strict=True))
        rates = [f"{BATCH / statistics.median(taken[kind]):.1f}" for kind in (DETERMINISTIC, FREE)]
        rows.append([f"{net}, {NETS[net]} px", *rates, f"{ratio:.2f}"])
    head = ["net", "images a second, deterministic", FREE, "time of a step, deterministic over not"]
    return markdown(head, rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the tables."""
    import json

    if sys.argv[1:2] == ["serve"]:
        return serve(*sys.argv[2:])
    if sys.argv[1:2] == ["profile"]:
        return print(json.dumps(profile(*sys.argv[2:])))
    profiles = {}
    for net in NETS:
        done = subprocess.run([sys.executable, __file__, "profile", net, FREE], check=True, stdout=subprocess.PIPE, text=True)
        profiles[net] = json.loads(done.stdout.splitlines()[-1])
        print(net, profiles[net]["step"], flush=True)
    result = {
        "command": f"python benchmarks/{NAME}.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "profiles": profiles,
        "operations": {net: operations(net) for net in NETS},
        "seconds": {net: measure_steps(net) for net in NETS},
    }
    write(NAME, result, table(result), DOCUMENT)
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), NAME, determinism_table(result), "determinism"))
    print(table(result), determinism_table(result), sep="\n")


if __name__ == "__main__":
    main()
