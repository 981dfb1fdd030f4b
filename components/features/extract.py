"""Features of many images, from several layers in one pass; they lie on disk."""

import pathlib
import shutil
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from zfnet.components.features.candidates import Candidates
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.progress import progress

# Pixels of the images that go through the net together.
PIXELS = 64 * 96 * 96


def extract_features(
    deconvnet: Deconvnet, candidates: Candidates, numbers: ArrayLike, layers: Sequence[str], folder: pathlib.Path
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Runs the net once over images and keeps, of each layer, all its activations.

    Zeiler & Fergus 2013, section 5: the net's features, with its weights as they are. Reading: the whole maps, none of it pooled or left
    out; the central crop of each image.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        candidates: the images.
        numbers: which of them.
        layers: names out of `deconvnet.layers`; of a softmax layer, its logits.
        folder: gets one file of float32 numbers a layer.

    Returns:
        The numbers, each once and ascending, `(n,)`; and for each layer its features `(n, features)`, float32, in that order, on disk.

    Raises:
        ValueError: a feature is NaN or infinite.
        OSError: the disk has not so much room.
    """
    numbers = np.unique(numbers)
    image_input = ImageInput.of(deconvnet.model, candidates.examples.image_size)
    batch_size = max(1, PIXELS // (image_input.height * image_input.width))
    batches = candidates.batches(numbers, image_input.side, batch_size)
    features: dict[str, np.ndarray] = {}
    row = 0
    for images, _ in progress(batches, -(-len(numbers) // batch_size), "Computing features"):
        activations = deconvnet.activations(image_input.to_model_layout(image_input.crop(images)), list(layers))
        flat = [np.reshape(values, (len(images), -1)).astype(np.float32, copy=False) for values in activations]
        if not features:
            check_free_space(folder, len(numbers) * sum(values.shape[1] for values in flat) * 4)
        for place, (layer, values) in enumerate(zip(layers, flat, strict=True)):
            if not np.isfinite(values).all():
                raise ValueError(f"Layer {layer!r} gives NaN or infinite values; expected finite features.")
            if layer not in features:
                file = folder / f"features-{place}"
                features[layer] = np.memmap(file, np.float32, "w+", shape=(len(numbers), values.shape[1]))
            features[layer][row : row + len(images)] = values
        row += len(images)
    return numbers, features


def check_free_space(folder: pathlib.Path, needed: int) -> None:
    """Fails if a folder's disk has less room than `needed`, in bytes."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"The features take {needed / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free beside --out: name fewer --layer, or give "
            "smaller --per-class, --folds or --test-per-class."
        )
