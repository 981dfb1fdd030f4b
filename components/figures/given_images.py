"""Images as a user gives them to a figure: an array, a photograph or a folder of them, or a data set."""

import os
import pathlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from zfnet.components.data.batches import Origins, model_batch_size
from zfnet.components.figures.images import ImageSet
from zfnet.components.inputs.centre_crop import read_image
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.inputs.photograph import FORMATS
from zfnet.components.storage.files import is_clutter
from zfnet.model.deconvnet.image_batches import image_batches
from zfnet.model.progress import progress

GivenImages: TypeAlias = np.ndarray | str | os.PathLike | tf.data.Dataset | keras.utils.PyDataset
Batches: TypeAlias = Callable[[str, set[int] | None], Iterator[tuple[np.ndarray, np.ndarray]]]


def image_set(model: keras.Model, images: Any) -> ImageSet:
    """Makes a set of images for a model that takes RGB 0..255.

    Args:
        model: takes one batch of images of three channels.
        images: an array `(N, height, width, 3)`, or one image `(height, width, 3)`, of the model's size; the path of a photograph or of a
            folder, searched with all folders in it, whose photographs are cut to the central square and shrunk, as those of commands are;
            or a data set of such arrays, alone or with labels, which are ignored. Photographs and data sets are read anew for each pass,
            so that they need not fit into memory.

    Raises:
        ValueError: there are none, or they are of another shape or size, or a data set has no end.
    """
    if isinstance(images, str | os.PathLike):
        return _of_files(model, pathlib.Path(images).expanduser())
    if isinstance(images, tf.data.Dataset | keras.utils.PyDataset):
        return _of_dataset(model, images)
    images = np.asarray(images)
    found = ImageSet.of_array(model, images[None] if images.ndim == 3 else images)
    _check_values(float(images.min()), float(images.max()), images.dtype)
    return found


def pictures(images: ImageSet) -> np.ndarray:
    """All of the images together: uint8 `(N, height, width, 3)`."""
    batches = [images.image_input.pictures(batch) for batch, _ in images.batches("Reading", None)]
    return np.clip(np.rint(np.concatenate(batches)), 0, 255).astype(np.uint8)


def _of_files(model: keras.Model, path: pathlib.Path) -> ImageSet:
    if not path.exists():
        raise ValueError(f"There is no photograph or folder {path}.")
    files = [path] if path.is_file() else sorted(_files(path))
    photographs = [file for file in files if _is_image(file)]
    if len(photographs) < len(files):
        warnings.warn(f"{path}: {len(files) - len(photographs)} of {len(files)} files are no images; left out.", stacklevel=4)
    if not photographs:
        raise ValueError(f"There are no photographs in {path}; expected files of these kinds: {', '.join(FORMATS)}.")
    image_input = ImageInput.of(model)
    names = [file.name if file == path else str(file.relative_to(path)) for file in photographs]
    size, unreadable = model_batch_size(image_input), set[int]()

    def read(number: int) -> np.ndarray | None:
        try:
            return image_input.crop(read_image(photographs[number], image_input.side)[None])
        except ValueError as error:
            if number not in unreadable:
                warnings.warn(f"{error} It is left out.", stacklevel=2)
            unreadable.add(number)
            return None

    def batches(title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        chosen = range(len(photographs)) if numbers is None else sorted(numbers)
        starts = range(0, len(chosen), size)
        for start in progress(starts, len(starts), title):
            found = {number: image for number in chosen[start : start + size] if (image := read(number)) is not None}
            if found:
                yield image_input.to_model_layout(np.concatenate(list(found.values())).astype(np.float32)), np.array(list(found))

    return _set(str(path), image_input, names, batches)


def _files(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_clutter(name)]
        yield from (pathlib.Path(root) / name for name in files if not is_clutter(name))


def _is_image(file: pathlib.Path) -> bool:
    try:
        with Image.open(file, formats=FORMATS):  # It reads the header alone.
            return True
    except Exception:  # Pillow raises many kinds.
        return False


def _of_dataset(model: keras.Model, dataset: tf.data.Dataset | keras.utils.PyDataset) -> ImageSet:
    count, parts, image_input, values, dtype = 0, 0, ImageInput.of(model), [0.0], np.dtype("uint8")
    for images, _ in image_batches(_without_labels(dataset)):
        # Its checks are those of each batch.
        image_input, dtype = ImageSet.of_array(model, np.asarray(images)).image_input, np.asarray(images).dtype
        values += [float(np.min(images)), float(np.max(images))]
        count, parts = count + len(images), parts + 1
    if not count:
        raise ValueError("The data set has no images; expected at least one.")
    _check_values(min(values), max(values), dtype)

    def batches(title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        left = count if numbers is None else len(numbers)
        for images, ids in progress(image_batches(_without_labels(dataset)), parts, title):
            rows = np.arange(len(ids)) if numbers is None else np.flatnonzero(np.isin(ids, list(numbers)))
            if len(rows):
                yield image_input.to_model_layout(np.asarray(images, np.float32)[rows]), ids[rows]
            left -= len(rows)
            if not left:
                return

    return _set("data set", image_input, [str(number) for number in range(count)], batches)


def _check_values(low: float, high: float, dtype: np.dtype) -> None:
    """Raises a ValueError if images were scaled or centred already. A resize that sharpens leaves a few values slightly below 0."""
    if dtype.kind == "f" and (low or high) and (high <= 1 or -low > high / 4):
        raise ValueError(
            f"The values of the images lie between {low:.3g} and {high:.3g}; expected RGB 0..255. Give the images as they were before they "
            'were scaled, such as `images * 255`, and the scaling as `preprocessing`, such as "unit".'
        )


def _without_labels(dataset: tf.data.Dataset | keras.utils.PyDataset) -> tf.data.Dataset | Iterator:
    if isinstance(dataset, tf.data.Dataset):
        return dataset.map(lambda images, *_: images) if isinstance(dataset.element_spec, tuple) else dataset
    if dataset.num_batches is None:
        raise ValueError("The data set repeats without end; expected each image once: give it a number of batches.")
    batches = (dataset[number] for number in range(dataset.num_batches))
    return (batch[0] if isinstance(batch, tuple) else batch for batch in batches)


def _set(name: str, image_input: ImageInput, names: list[str], batches: Batches) -> ImageSet:
    side, count = image_input.side, len(names)
    origins = Origins(names, np.tile([0, 0, side, side], (count, 1)), names, np.zeros(count, np.int64))
    return ImageSet(name, image_input, origins, [], side, batches)
