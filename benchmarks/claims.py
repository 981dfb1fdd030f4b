"""Measures on a trained net what rectification and unpooling do to projections.

Command: make bench, or .venv/bin/python benchmarks/claims.py [ROOT]
ROOT is the root of a default `zfnet run`; without it one is run first, in a temporary directory (four minutes on two cores).
Writes benchmarks/claims.json, and from it a table in docs/deconvnet.md.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, versions, write

NAME = "claims"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "deconvnet.md"
LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
POOLS = {"pool1": "conv1", "pool2": "conv2", "pool5": "conv5"}


def trained():
    """The net of a default run, with its validation examples.

    Returns:
        The net; float32 images `(N, H, W, 3)`, values 0..255; the classes' names; and the images' classes `(N,)`.
    """
    import numpy as np

    from zfnet.components.artifacts import Examples
    from zfnet.components.data.batches import central_crops
    from zfnet.components.inputs.model_file import load_model_file

    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        if not (root / "run.json").exists():
            zfnet = str(pathlib.Path(sys.executable).with_name("zfnet"))
            subprocess.run([zfnet, "run", "--root", str(root)], check=True)
        summary = json.loads((root / "run.json").read_text())
        examples = Examples(root / summary["artifacts"]["examples"])
        batches = list(central_crops(examples, "validation", size=examples.image_size, batch_size=64))
        images, classes = (np.concatenate([batch[part].numpy() for batch in batches]) for part in range(2))
        return load_model_file(root / summary["artifacts"]["model"]), images, examples.labels, classes


def measure() -> dict:
    """Compares projections of every map's strongest activation over the validation examples, made in three ways."""
    from zfnet.model import Deconvnet, strongest_activations

    net, images, _, _ = trained()
    exact = Deconvnet(net)
    found = strongest_activations(exact, [images], LAYERS, k=1)
    ways = {"exact": exact, "unrectified": changed(net, unrectified), "unswitched": changed(net, unswitched)}
    projections = {way: project_all(deconvnet, images, found) for way, deconvnet in ways.items()}
    return {
        "command": "python benchmarks/claims.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "images": len(images),
        "projections": {
            layer: {"maps": len(projections["exact"][layer])}
            | {way: _alike(projections["exact"][layer], projections[way][layer]) for way in ("unrectified", "unswitched")}
            for layer in LAYERS
        },
        "pools": {pool: _kept(exact.record(images[::8]), pool, below) for pool, below in POOLS.items()},
    }


def changed(net, change):
    """A deconvnet of a net in which `change` replaces the rules."""
    from zfnet.model import Deconvnet

    deconvnet = Deconvnet(net)
    operations = deconvnet.graph.operations
    operations[:] = [dataclasses.replace(operation, rule=change(operation.rule)) for operation in operations]
    return deconvnet


def unrectified(rule):
    """Leaves rectification out on the way down."""
    from zfnet.model.deconvnet.rules.rule import PassThrough, Rectify

    return PassThrough(rule.function) if isinstance(rule, Rectify) else rule


def unswitched(rule):
    """Unpools without knowing where the maxima were: to the middle of each window."""
    import tensorflow as tf

    from zfnet.model.deconvnet.rules.max_pool import MaxPool

    if not isinstance(rule, MaxPool):
        return rule
    middle = MaxPool(rule.window.size, rule.window.strides, "valid" if rule.window.before == (0, 0) else "same")
    height, width = rule.window.size
    middle.save = lambda inputs: tf.fill(tf.shape(rule.save(inputs)), tf.constant(height // 2 * width + width // 2, tf.uint8))
    return middle


def project_all(deconvnet, images, found) -> dict:
    """Projections of the strongest activation of each map that has one: `{layer: {map: (h, w, 3)}}`."""
    import numpy as np

    from zfnet.model import project_strongest

    chosen = {layer: (np.flatnonzero(strongest.values[:, 0] > 0), 0) for layer, strongest in found.items()}
    chosen = {layer: (units, np.zeros_like(units)) for layer, (units, _) in chosen.items()}
    parts = {layer: {} for layer in found}
    for part in project_strongest(deconvnet, [images], found, chosen):
        parts[part.layer].update(zip(part.units.tolist(), part.projections, strict=True))
    return parts


def _alike(one, other) -> dict:
    """Cosines between projections, signed: 1 for the same picture at any contrast."""
    import numpy as np

    one, other = (np.stack([projections[unit].ravel() for unit in sorted(projections)]) for projections in (one, other))
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = (one * other).sum(1)[norms > 0] / norms[norms > 0]
    return {"median": float(np.median(cosines)), "tenth": float(np.quantile(cosines, 0.1))}


def _kept(recording, pool: str, below: str) -> dict:
    """What share of a map's positions, and of the sum of its squared activations, is at a switch; and how strong both sides are."""
    import numpy as np

    maps, switches = recording.activations(below).numpy(), recording.switches(pool)
    example, _, _, unit = np.indices(switches.shape[:4], sparse=True)
    at_switch = np.zeros(maps.shape, bool)
    at_switch[example, switches[..., 0], switches[..., 1], unit] = True
    active = maps > 0
    kept, lost = at_switch & active, ~at_switch & active

    def mean(chosen):
        return np.where(chosen, maps, 0).sum((1, 2)) / np.maximum(chosen.sum((1, 2)), 1)

    # Of each map of each image that has both, since maps differ more than places of one map.
    both = kept.any((1, 2)) & lost.any((1, 2))
    return {
        "positions": float(at_switch.mean()),
        "active": float(kept.sum() / active.sum()),
        "energy": float((maps[at_switch] ** 2).sum() / (maps**2).sum()),
        "kept_to_lost": float(np.median(mean(kept)[both] / mean(lost)[both])),
    }


def table(result: dict) -> str:
    """The result as Markdown."""
    rows = []
    for layer, one in result["projections"].items():
        cells = [f"{one[way]['median']:.3f} ({one[way]['tenth']:.3f})" for way in ("unrectified", "unswitched")]
        rows.append([f"{layer}, {one['maps']} maps", *cells])
    text = markdown(["projections from", "without rectification", "unpooled to the middle instead of the switch"], rows)
    text += f"\nCosine with the exact projection of each map's strongest activation over {result['images']} images; median, in brackets\n"
    text += "the value that a tenth of the maps stay below.\n\n"
    rows = [
        [pool, *(f"{one[key]:.0%}" for key in ("positions", "active", "energy")), f"{one['kept_to_lost']:.1f}"]
        for pool, one in result["pools"].items()
    ]
    head = ["unpooling keeps", "of all positions", "of the active ones", "of the sum of squares", "kept / lost, mean of a map"]
    return text + markdown(head, rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
