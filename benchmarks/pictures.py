"""Draws the pictures of docs/deconvnet.md from a trained net: switches, the three ways down, and other methods beside.

Command: make bench, or .venv/bin/python benchmarks/pictures.py [ROOT]
ROOT is the root of a default `zfnet run`; without it one is run first, in a temporary directory (four minutes on two cores).
If ROOT is given, it also draws a checked gallery, and copies features.png.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from claims import changed, project_all, trained, unrectified, unswitched
from PIL import Image

PICTURES = pathlib.Path(__file__).resolve().parents[1] / "docs" / "pictures"
TILE = 132


def draw_switches(net, image) -> np.ndarray:
    """A photograph; of three maps of conv1 the activations, the switches of pool1, and what unpooling makes of the pooled map."""
    from zfnet.components.pictures.sheet import block, sheet
    from zfnet.model import Deconvnet

    recording = Deconvnet(net).record(image[None], ["pool1"])
    maps, switches = recording.activations("conv1").numpy()[0], recording.switches("pool1")[0]
    units = _unlike(maps, 3)
    blocks, headings = [], []
    for unit in units:
        activations = maps[..., unit]
        rows, columns = (switches[:, :, unit, axis].ravel() for axis in range(2))
        chosen = np.zeros(activations.shape, bool)
        chosen[rows, columns] = True
        grey = _grey(activations)
        marked = grey.copy()
        marked[chosen & (activations > 0)] = (230, 60, 20)
        unpooled = np.where(chosen[..., None], grey, 0).astype(np.uint8)
        blocks.append(block([image.astype(np.uint8), grey, marked, unpooled], 4, 2 * TILE))
        headings.append(f"photograph; conv1, map {unit}; switches of pool1 (red); unpooled")
    return sheet(blocks, headings, 1)


def _unlike(maps, count):
    # The map that varies most, then the next that is unlike those before.
    rows = maps.reshape(-1, maps.shape[2]).T
    chosen = []
    for unit in np.argsort(-rows.std(1)):
        if len(chosen) < count and all(np.corrcoef(rows[unit], rows[other])[0, 1] < 0.3 for other in chosen):
            chosen.append(unit)
    return chosen


def _grey(activations):
    scaled = np.rint(255 * activations / max(activations.max(), 1e-9)).astype(np.uint8)
    return np.repeat(scaled[..., None], 3, axis=2)


def draw_ways_down(net, images) -> np.ndarray:
    """Projections of the same activations: as the paper has them, without rectification, without switches; and the patches."""
    from zfnet.components.pictures.projected_activation import signed_to_rgb
    from zfnet.components.pictures.sheet import block, sheet
    from zfnet.model import Deconvnet, project_strongest, strongest_activations

    layers = ["conv2", "conv3", "conv4", "conv5"]
    exact = Deconvnet(net)
    found = strongest_activations(exact, [images], layers, k=1)
    patches = {layer: {} for layer in layers}
    for part in project_strongest(exact, [images], found):
        patches[part.layer].update(zip(part.units.tolist(), part.patches, strict=True))
    ways = [project_all(deconvnet, images, found) for deconvnet in (exact, changed(net, unrectified), changed(net, unswitched))]
    blocks, headings = [], []
    for layer in layers:
        for unit in [unit for unit in sorted(ways[0][layer]) if patches[layer][unit].std() > 0][::29][:3]:
            tiles = [np.clip(patches[layer][unit], 0, 255).astype(np.uint8)]
            tiles += [signed_to_rgb(way[layer][unit][None])[0] for way in ways]
            blocks.append(block(tiles, 4, TILE))
            headings.append(f"{layer}, map {unit}: patch; exact; not rectified; no switches")
    return sheet(blocks, headings, 2)


def draw_methods(net, images, labels) -> np.ndarray:
    """One photograph a row: the strongest logit by gradient, deconvnet, guided backpropagation and Grad-CAM."""
    from zfnet.components.pictures.projected_activation import signed_to_rgb
    from zfnet.components.pictures.sheet import block, sheet
    from zfnet.model import Deconvnet
    from zfnet.model.methods.gradients import activation_gradients

    deconvnet = Deconvnet(net)
    units = deconvnet.activations(images, ["predictions"])[0].numpy().argmax(1)
    ways = {name: activation_gradients(deconvnet, images, "predictions", units, guided=name == "guided") for name in ("gradient", "guided")}
    ways["deconvnet"] = deconvnet.project(images, "predictions", units)
    pictures = {name: signed_to_rgb(way) for name, way in ways.items()}
    blocks, headings = [], []
    for number, image in enumerate(images):
        heat = grad_cam(net, image, int(units[number]))
        mixed = np.clip(image * 0.5 + 127 * heat[..., None] * np.array([1, 0.25, 0]), 0, 255).astype(np.uint8)
        tiles = [image.astype(np.uint8), *(pictures[name][number] for name in ("gradient", "deconvnet", "guided")), mixed]
        blocks.append(block(tiles, 5, TILE))
        headings.append(f"predicted: {labels[units[number]]}; photograph; gradient; deconvnet; guided backpropagation; Grad-CAM of conv5")
    return sheet(blocks, headings, 1)


def grad_cam(net, image, unit: int) -> np.ndarray:
    """Grad-CAM of a class: conv5's maps, weighted by the mean gradient of the logit, rectified and scaled to 0..1.

    Selvaraju et al. 2017, equations 1 and 2.
    """
    import tensorflow as tf

    from zfnet.model import Deconvnet

    deconvnet = Deconvnet(net)
    graph = deconvnet.graph
    value, logit = graph.value_of("conv5"), graph.value_of("predictions")
    (maps,) = deconvnet.activations(image[None], ["conv5"])
    with tf.GradientTape() as tape:
        tape.watch(maps)
        signal = maps
        for operation in graph.needed_for(logit):
            if operation.output > value:
                signal = operation.rule.function(signal)
        score = signal[:, unit]
    weights = tf.reduce_mean(tape.gradient(score, maps), (1, 2))
    heat = tf.nn.relu(tf.reduce_sum(maps * weights[:, None, None], 3))[..., None]
    heat = tf.image.resize(heat, image.shape[:2], "bicubic")[0, ..., 0].numpy().clip(0)
    return heat / max(heat.max(), 1e-9)


def main() -> None:
    """Draws and writes the pictures."""
    import zfnet

    net, images, labels, classes = trained()
    # One photograph of each of five classes.
    first = [int(np.flatnonzero(classes == number)[3]) for number in (0, 1, 4, 7, 10)]
    pictures = {
        "switches": draw_switches(net, images[first[1]]),
        "ways_down": draw_ways_down(net, images),
        "methods": draw_methods(net, images[first], labels),
        "one_unit": zfnet.methods(net, images[first[0]], "conv5", labels=labels).pictures["methods"],
    }
    for name, picture in pictures.items():
        Image.fromarray(picture).save(PICTURES / f"{name}.png", optimize=True)
    if len(sys.argv) > 1:  # The run stays; of one from nothing, default_run.py copies the same picture.
        shutil.copyfile(pathlib.Path(sys.argv[1]) / "figures" / "features.png", PICTURES / "features.png")
        with tempfile.TemporaryDirectory() as directory:
            zfnet_command = pathlib.Path(sys.executable).with_name("zfnet")
            options = ["--layer", "conv5", "--maps", "3", "--check", "--out", directory]
            subprocess.run([zfnet_command, "gallery", sys.argv[1], *options], check=True)
            shutil.copyfile(pathlib.Path(directory) / "gallery_conv5.png", PICTURES / "checked.png")


if __name__ == "__main__":
    main()
