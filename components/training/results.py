"""The files that a finished training leaves: the model, its recipe and history, and a picture of its filters."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zfnet.components.artifacts import Model
from zfnet.components.pictures.figure import write_png
from zfnet.components.pictures.sheet import filter_grid
from zfnet.components.training.recipe import Recipe
from zfnet.model.net.build import build


def write_model(
    model: Model, recipe: Recipe, used: dict[str, Any], net: keras.Model, labels: Sequence[str], mean: np.ndarray, history: list[dict]
) -> None:
    """Writes `model.keras` with the mean image inside, and beside it the recipe, labels, history, and a picture of conv1's filters.

    Args:
        used: values used for choices of the recipe that were left open, and further numbers.
        net: the trained net, which takes centred images.
        mean: mean of the central crop, float `(size, size, 3)`, values 0..255.
        history: losses and errors of each epoch.
    """
    (model.path / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe) | used, indent=1))
    saved = build(recipe.architecture, net.input_shape[1:], len(labels), mean_image=mean)
    for layer in net.layers:
        saved.get_layer(layer.name).set_weights(layer.get_weights())
    saved.save(model.path / "model.keras")
    (model.path / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    (model.path / "history.json").write_text(json.dumps(history, indent=1))
    folder = model.path / "pictures"
    folder.mkdir()
    first = next(layer for layer in saved.layers if isinstance(layer, keras.layers.Conv2D))
    write_png(filter_grid(first.kernel.numpy()), folder / f"filters_{first.name}.png")
