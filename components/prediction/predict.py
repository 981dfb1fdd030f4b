"""Predict the classes of many images: one row for each, in their order, here or on the workers of Beam."""

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import tensorflow as tf
from etils import epath

from zfnet.components.data.batches import ORIGIN_FEATURES, decode_crop
from zfnet.components.data.damage import named_damage
from zfnet.components.data.examples.shard import REPAIR, BrokenShardError
from zfnet.components.inputs.photograph import UnreadablePhotograph
from zfnet.components.prediction.images import Images, ImageToPredict, Photographs, StoredImages, count_images
from zfnet.components.prediction.predictor import Answer, Predictor
from zfnet.components.storage.files import is_remote, open_file
from zfnet.model.ahead import map_ahead
from zfnet.model.progress import progress

BATCH = 64
CORES = os.cpu_count() or 1
NAN = "the model gives NaN"
STORED = {"image": tf.io.FixedLenFeature([], tf.string), "id": ORIGIN_FEATURES["id"], "class_name": tf.io.FixedLenFeature([], tf.string)}

# Path or id, class if it is known, in the model's words if it has one, classes that the model names and their probabilities, and the reason
# if there are none.
Row = tuple[str, str, list[str], list[float], str]


def predict_images(predictor: Predictor, images: Images) -> Iterator[Row]:
    """Yields a row for each image, in order, with a progress bar.

    Batches are the same wherever they are computed, since they never reach over a chunk. Photographs are decoded by several threads.

    Raises:
        ValueError: there are no images; or prepared ones are damaged, or were prepared for another size.
    """
    check_stored_size(predictor, images)
    rows = itertools.chain.from_iterable(predict_chunk(predictor, images, chunk) for chunk in images.chunks())
    yield from progress(rows, count_images(images), "Predicting")


def check_stored_size(predictor: Predictor, images: Images) -> None:
    """Raises a ValueError if prepared images do not have the size that the model takes."""
    if isinstance(images, StoredImages) and (size := images.examples.image_size) != predictor.size:
        raise ValueError(
            f"The model expects images of {predictor.size} pixels, but {images.location} was prepared for {size}: give the photographs, or "
            f"--image-size {size} if the model accepts any."
        )


def predict_chunk(predictor: Predictor, images: Images, chunk: Any) -> Iterator[Row]:
    """Yields the rows of one chunk."""
    if isinstance(images, StoredImages):
        batches = _stored_batches(predictor, images, chunk)
    else:
        batches = _batches(predictor, cast(Photographs, images), chunk)
    for paths, truths, pixels, errors in batches:
        for path, truth, answer, error in zip(paths, truths, predictor.answers(pixels), errors, strict=True):
            answer, error = (Answer([], []), error) if error else (answer, "" if answer.labels else NAN)
            yield path, images.names.get(truth, truth), answer.labels, answer.probabilities, error


def _batches(predictor: Predictor, images: Photographs, chunk: Any) -> Iterator[tuple]:
    """Yields paths, classes, pixels and errors of photographs; one that can't be read is black."""

    def prepare(image: ImageToPredict) -> tuple[str, str, np.ndarray, str]:
        try:
            return image.path, image.truth, predictor.image(image.read()), ""
        except UnreadablePhotograph as error:
            return image.path, image.truth, np.zeros((predictor.size, predictor.size, 3), np.uint8), str(error)

    with ThreadPoolExecutor(max(16, CORES) if images.remote else CORES, thread_name_prefix="decode") as pool:
        prepared = map_ahead(pool, prepare, images.read(chunk), BATCH)
        while batch := list(itertools.islice(prepared, BATCH)):
            paths, truths, pixels, errors = zip(*batch, strict=True)
            yield paths, truths, np.stack(pixels), errors


def _stored_batches(predictor: Predictor, images: StoredImages, chunk: tuple[str, int]) -> Iterator[tuple]:
    """Yields ids, classes, pixels and errors of prepared examples, which TensorFlow reads and decodes beside the model."""
    margin, size = (images.examples.side - predictor.size) // 2, predictor.size

    def decode(record):
        example = tf.io.parse_single_example(record, STORED)
        return example["id"], example["class_name"], decode_crop(example["image"], margin, margin, size)

    found = 0
    with named_damage(images.examples), _local_shard(chunk[0]) as file:
        records = tf.data.TFRecordDataset(file).map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(2)
        for ids, classes, pixels in records:
            found += len(ids)
            names, truths = ([text.decode() for text in each.numpy()] for each in (ids, classes))
            yield names, truths, pixels, [""] * len(names)
    if found != chunk[1]:
        raise ValueError(
            f"{chunk[0]} has {found} examples, and the manifest says {chunk[1]}: copy the directory again, or prepare it again."
        )


@contextlib.contextmanager
def _local_shard(path: str) -> Iterator[str]:
    """Yields the path of a shard if it is local, else that of a copy, which is removed in the end.

    TensorFlow knows few storages; and a disk may not hold all shards.
    """
    if not is_remote(path):
        yield path
        return
    if not epath.Path(path).exists():
        raise BrokenShardError(f"{path} is gone. {REPAIR}")
    with tempfile.NamedTemporaryFile(prefix="zfnet-shard-") as copy:
        with open_file(path) as file:
            shutil.copyfileobj(file, copy)
        copy.flush()
        yield copy.name
