"""The gallery: for every convolution, what its feature maps answer to most, as projections and as patches."""

import json

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from zfnet.components.artifacts import Examples, Figures, Model
from zfnet.components.data.batches import central_batches, read_origins
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.components.pictures.distinct_places import distinct_places
from zfnet.components.pictures.projections import project_to_patches
from zfnet.components.pictures.sheet import GAP, block, sheet
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.deconvnet.strongest_activations import strongest_activations

# Zeiler & Fergus 2013, Fig. 2.
SHOWN = 9
# How many activations are looked through for nine different places, where several images come from one photograph.
CANDIDATES = 288
SPLIT = "validation"
BATCH = 64
TILE = 88
BLOCKS_A_ROW = 3


def draw_galleries(model: Model, examples: Examples, figures: Figures, *, maps: int, seed: int, tensorboard: str) -> None:
    """Draws the galleries of a trained model; see `visualizer.visualize`."""
    net = load_model_file(model.path / "model.keras")
    deconvnet = Deconvnet(net)
    layers = [layer.name for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
    size = examples.image_size
    photographs, boxes, ids = read_origins(examples, SPLIT)
    candidates = SHOWN if len(set(photographs)) == len(photographs) else min(CANDIDATES, len(photographs))
    batches = ((images, numbers) for images, _, numbers in central_batches(examples, SPLIT, size=size, batch_size=BATCH))
    strongest = strongest_activations(deconvnet, batches, layers, k=candidates)
    writer = tf.summary.create_file_writer(f"{tensorboard}/gallery")
    numbers = {}
    for layer in layers:
        chosen = _living_maps(strongest[layer], maps, seed)
        shown = {unit: _different(strongest[layer], unit, photographs, boxes) for unit in chosen}
        numbers[layer] = _numbers(strongest[layer], shown, ids)
        if not chosen:
            continue
        picture = _draw(deconvnet, layer, strongest[layer], shown, examples)
        Image.fromarray(picture).save(figures.path / f"gallery_{layer}.png")
        with writer.as_default(step=len(model.read_json("history.json"))):
            tf.summary.image(
                f"gallery/{layer}",
                picture[None],
                description=f"Feature maps of {layer}: the nine strongest activations over the validation examples, at nine different "
                "places, projected to pixels (left), and the patches of the photographs (right). Step = epochs trained.",
            )
    writer.close()
    (figures.path / "gallery.json").write_text(json.dumps(numbers, indent=1))


def _living_maps(strongest: Strongest, count: int, seed: int) -> list[int]:
    order = np.random.default_rng(seed).permutation(len(strongest.values))
    return sorted([int(unit) for unit in order if strongest.values[unit, 0] > 0][:count])


def _different(strongest: Strongest, unit: int, photographs, boxes) -> list[int]:
    active = [place for place in range(strongest.values.shape[1]) if strongest.values[unit, place] > 0]
    examples = strongest.examples[unit, active]
    return distinct_places([photographs[number] for number in examples], boxes[examples], SHOWN)


def _numbers(strongest: Strongest, shown: dict[int, list[int]], ids: list[str]) -> dict:
    return {
        "dead_maps": [int(unit) for unit in np.flatnonzero(strongest.values[:, 0] <= 0)],
        "maps": {
            str(unit): [
                {
                    "example": ids[strongest.examples[unit, place]],
                    "activation": float(strongest.values[unit, place]),
                    "position": strongest.positions[unit, place].tolist(),
                }
                for place in places
            ]
            for unit, places in shown.items()
        },
    }


def _draw(deconvnet: Deconvnet, layer: str, strongest: Strongest, shown: dict[int, list[int]], examples: Examples) -> np.ndarray:
    units = np.array([unit for unit, places in shown.items() for _ in places])
    places = np.array([place for places in shown.values() for place in places])
    wanted = strongest.examples[units, places]
    images = {
        int(number): image
        for batch, _, numbers in central_batches(examples, SPLIT, size=examples.image_size, batch_size=BATCH, numbers=set(wanted.tolist()))
        for image, number in zip(batch.numpy(), numbers.numpy(), strict=True)
    }
    inputs = np.stack([images[int(number)] for number in wanted])
    pictures = project_to_patches(deconvnet, inputs, inputs, layer, units, strongest.positions[units, places])
    blocks = []
    for unit in shown:
        left, right = (block([part[index] for index in np.flatnonzero(units == unit)], 3, TILE) for part in pictures)
        blocks.append(_side_by_side(left, right))
    return sheet(blocks, [f"{layer}, map {unit}" for unit in shown], BLOCKS_A_ROW)


def _side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    height = 3 * (TILE + GAP) - GAP
    parts = [np.pad(part, ((0, height - part.shape[0]), (0, 0), (0, 0)), constant_values=255) for part in (left, right)]
    return np.concatenate([parts[0], np.full((height, 2 * GAP, 3), 255, np.uint8), parts[1]], axis=1)
