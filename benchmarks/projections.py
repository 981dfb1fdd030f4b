"""Measures projections a second: windows of the receptive field, whole maps, and other libraries on the same net and weights.

Command: make bench, or .venv/bin/python benchmarks/projections.py
Writes benchmarks/projections.json, and from it a table in docs/speed.md. Takes about five minutes on two cores.
"""

import contextlib
import importlib
import os
import pathlib
import statistics
import warnings

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, photographs, seconds, versions, write
from whole_gallery import find_switches

NAME = "projections"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
IMAGES = 8
UNITS = 32
# Whole maps and other libraries are several times slower, and get less to do.
FEWER = 32
ROUNDS = 5
PEERS = ("captum_peer", "xplique_peer", "tf_explain_peer", "tf_keras_vis_peer")


def measure() -> dict:
    """Measures in rounds, everything once a round, so that all have the same share of what else the machine does."""
    import keras
    import numpy as np

    from zfnet.model import Deconvnet, ZFNet

    keras.utils.set_random_seed(0)
    net = ZFNet(include_top=False)
    images = photographs(IMAGES, 224)
    deconvnet = Deconvnet(net)
    recording = deconvnet.record(images)
    works = {"forward": (IMAGES, lambda: find_switches(deconvnet, images, deconvnet.layers))}
    for layer in LAYERS:
        examples, units = np.divmod(np.arange(IMAGES * UNITS), UNITS)
        works[f"windows {layer}"] = len(units), _windows(recording, layer, units, examples)
        works[f"whole maps {layer}"] = FEWER, _whole_maps(deconvnet, images, layer, units[:FEWER], examples[:FEWER])
        works[f"textbook {layer}"] = FEWER, _textbook(net, images, layer, units[:FEWER], examples[:FEWER])
    works["windows conv5, forward pass included"] = IMAGES * UNITS, lambda: _windows(deconvnet.record(images), "conv5", units, examples)()
    unavailable, peers = {}, {}
    for name in PEERS:
        try:
            peers |= _peer(name, net, recording, images)
        except (ImportError, RuntimeError) as error:
            unavailable[name] = str(error)
    works |= {name: work for name, (work, _) in peers.items()}
    for _, work in works.values():
        work()
    taken = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, (count, work) in works.items():
            taken[name].append(count / seconds(work))
    return {
        "command": "python benchmarks/projections.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions() | {name.split(" ")[0]: version for name, (_, version) in peers.items()},
        "images": IMAGES,
        "units_an_image": UNITS,
        "rounds": ROUNDS,
        "a_second": {name: {"median": statistics.median(rates), "best": max(rates)} for name, rates in taken.items()},
        "unavailable": unavailable,
    }


def _windows(recording, layer, units, examples):
    return lambda: recording.project_patches(layer, units, None, examples)


def _whole_maps(deconvnet, images, layer, units, examples):
    recording = deconvnet.record(images)

    def work():
        with whole_maps():
            recording.project(layer, units, None, examples)

    return work


@contextlib.contextmanager
def whole_maps():
    """No windows are planned in this context."""
    from zfnet.model.deconvnet.windows.plan import Windows

    choose, Windows._choose = Windows._choose, lambda self, found: {}
    try:
        yield
    finally:
        Windows._choose = choose


def _textbook(net, images, layer, units, examples):
    from textbook import make_projector

    from zfnet.model import Deconvnet

    maps = Deconvnet(net).activations(images, [layer])[0].numpy()
    positions = _strongest_positions(maps, units, examples)
    project = make_projector(net, layer, images)
    return lambda: project(units, positions, examples)


def _strongest_positions(maps, units, examples):
    import numpy as np

    chosen = maps[examples, :, :, units]
    return np.stack(np.unravel_index(chosen.reshape(len(units), -1).argmax(1), chosen.shape[1:]), axis=1)


def _peer(name, net, recording, images):
    import numpy as np

    peer = importlib.import_module(f"peers.{name}")
    project = peer.make_projector(net, "conv5")
    maps = recording.activations("conv5").numpy()
    examples, units = np.arange(FEWER) % IMAGES, np.arange(FEWER)
    positions = _strongest_positions(maps, units, examples)

    def in_batches(size):
        def work():
            for start in range(0, FEWER, size):
                part = slice(start, start + size)
                project(images[examples[part]], units[part], positions[part])

        return work

    return {
        f"{peer.NAME}, {how}": ((FEWER, in_batches(size)), peer.version())
        for how, size in (("one image a call", 1), (f"{IMAGES} images a call", IMAGES))
    }


def table(result: dict) -> str:
    """The result as Markdown."""
    rates = result["a_second"]
    rows = []
    for layer in LAYERS:
        windows, maps, textbook = (rates[f"{way} {layer}"] for way in ("windows", "whole maps", "textbook"))
        cells = [f"{rate['median']:,.0f} ({rate['best']:,.0f})" for rate in (windows, maps, textbook)]
        rows.append([layer, *cells, _ratio(windows, maps), _ratio(windows, textbook)])
    head = ["from", "windows", "whole maps", "whole maps, TensorFlow's own operations", "windows are faster by", "and by"]
    text = markdown(head, rows)
    forward = rates["forward"]
    text += f"\nThe forward pass and its switches, apart: {forward['median']:.0f} images a second ({forward['best']:.0f}).\n\n"
    recorded, ours = rates["windows conv5"], rates["windows conv5, forward pass included"]
    rows = [
        ["this project, forward pass recorded once", f"{recorded['median']:,.0f} ({recorded['best']:,.0f})", "", ""],
        ["this project, forward pass included", f"{ours['median']:,.0f} ({ours['best']:,.0f})", "", ""],
    ]
    for name in sorted(rates):
        if " a call" in name:
            cell = f"{rates[name]['median']:,.1f} ({rates[name]['best']:,.1f})"
            rows.append([name, cell, _ratio(recorded, rates[name]), _ratio(ours, rates[name])])
    return (
        text
        + markdown(["from conv5", "projections a second", "recorded, this project is faster by", "included, by"], rows)
        + conditions(result)
    )


def _ratio(one: dict, other: dict) -> str:
    return f"{one['median'] / other['median']:.1f} ({one['best'] / other['best']:.1f})"


def main() -> None:
    """Measures, and writes the result and the table."""
    warnings.filterwarnings("ignore", "Setting backward hooks")
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
