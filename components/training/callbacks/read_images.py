"""Images of an array or a data set, read without a side effect: the next pass over the data set gives what it would have given."""

import contextlib
import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.components.training.callbacks.unnoticed import unchanged_random_numbers

Images: TypeAlias = ArrayLike | tf.data.Dataset | keras.utils.PyDataset

EXPECTED = "expected an array (N, height, width, channels), a batched tf.data.Dataset or a keras.utils.PyDataset"
# The generator of the seeds of a shuffled data set, its last input.
SHUFFLES = "ShuffleDatasetV3", "ShuffleAndRepeatDatasetV2"


def check_images(images: Images) -> None:
    """Raises a ValueError if images can't be read again: an iterator, a generator, or a data set without end."""
    endless = isinstance(images, tf.data.Dataset) and images.cardinality() == tf.data.INFINITE_CARDINALITY
    if endless or (isinstance(images, keras.utils.PyDataset) and images.num_batches is None):
        raise ValueError("The data set of images repeats without end; expected each image once: leave out repeat(), or take(n) batches.")
    if isinstance(images, tf.data.Dataset | keras.utils.PyDataset):
        return
    kind = type(images).__name__
    if isinstance(images, Iterator) or callable(images):
        raise ValueError(f"The images come from a {kind}, which can be read only once; {EXPECTED}.")
    if isinstance(images, str | Mapping) or not (hasattr(images, "__array__") or isinstance(images, list | tuple)):
        raise ValueError(f"The images are of type {kind}; {EXPECTED}.")


def read_images(images: Images, most: int, most_bytes: int) -> np.ndarray:
    """Reads at most `most` images, of at most `most_bytes`: uint8 or float32 `(N, ...)`.

    The images of an array or a `PyDataset` are evenly spread; those of a `tf.data.Dataset` are the first ones. Elements of a data set are
    batches of images, or tuples that begin with one, such as images and labels. Seeds of shuffles and of random changes, NumPy's and
    Python's random numbers, and counters in a `PyDataset` are left as they were.

    Raises:
        ValueError: there are no images, their shapes differ, or they are not finite numbers; and as in `check_images`.

    Examples:
        >>> shuffled = tf.data.Dataset.from_tensor_slices((images, [0, 1, 2, 3])).shuffle(4).batch(3)
        >>> read_images(shuffled, most=2, most_bytes=1 << 20).shape
        (2, 96, 96, 3)
    """
    check_images(images)
    with unchanged_random_numbers():
        if isinstance(images, tf.data.Dataset):
            batches: Iterable = _twin_dataset(images)
        elif isinstance(images, keras.utils.PyDataset):
            batches = _spread_batches(_twin_py_dataset(images), most, most_bytes)
        else:
            batches = [_spread_array(images, most, most_bytes)]
        kept: list[np.ndarray] = []
        count = 0
        for batch in batches:
            part = _pixels(batch)
            if kept and part.shape[1:] != kept[0].shape[1:]:
                raise ValueError(f"The images are of the shapes {kept[0].shape[1:]} and {part.shape[1:]}; expected one shape.")
            kept.append(part[: max(0, _fitting(part, most, most_bytes) - count)])
            count += len(kept[-1])
            if len(kept[-1]) < len(part) or count == most:
                break
    if not count:
        raise ValueError(f"There are no images; {EXPECTED}, with one image at least.")
    found = np.concatenate(kept)
    if not np.isfinite(found).all():
        raise ValueError("The images are not all finite numbers (NaN or infinite).")
    return found


def _pixels(batch: Any) -> np.ndarray:
    first = batch[0] if isinstance(batch, tuple | list) else batch
    if isinstance(first, Mapping):
        raise ValueError(f"A batch of images is a dict with the keys {', '.join(map(str, first))}; {EXPECTED}, of images alone.")
    pixels = np.asarray(first)
    if pixels.ndim != 4:
        raise ValueError(f"A batch of images has the shape {pixels.shape}; {EXPECTED}: (N, height, width, channels).")
    return pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)


def _fitting(pixels: np.ndarray, most: int, most_bytes: int) -> int:
    """How many images like these are kept."""
    size = max(1, int(np.prod(pixels.shape[1:])) * pixels.itemsize)
    return min(most, max(1, most_bytes // size))


def _spread(count: int, most: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)


def _spread_array(images: ArrayLike, most: int, most_bytes: int) -> np.ndarray:
    try:
        whole = np.asarray(images)
    except ValueError as error:
        raise ValueError(f"The images are a {type(images).__name__} of arrays of several shapes; {EXPECTED}.") from error
    return whole[_spread(len(whole), _fitting(_pixels(whole[:1]), most, most_bytes))] if whole.ndim == 4 else whole


def _spread_batches(dataset: keras.utils.PyDataset, most: int, most_bytes: int) -> Iterator[np.ndarray]:
    """Reads batches evenly spread, and the same number of images of each; one batch more than needed, since the last may be small."""
    count = dataset.num_batches
    if not count:
        return
    first = _pixels(dataset[0])
    size, most = max(1, len(first)), _fitting(first, most, most_bytes)
    places, rows = np.unique(_spread(count, -(-most // size) + 1)), size
    if (count - 1) * size + (len(_pixels(dataset[count - 1])) if count * size > most else size) > most:
        rows = -(-most // len(places))
    for place in places:
        batch = _pixels(dataset[int(place)])
        yield batch[_spread(len(batch), rows)]


def _twin_py_dataset(dataset: keras.utils.PyDataset) -> keras.utils.PyDataset:
    twin = copy.copy(dataset)
    for name, value in vars(dataset).items():
        if not isinstance(value, np.ndarray):  # Arrays hold the images, and are only read.
            with contextlib.suppress(Exception):  # Locks, and whatever else can't be copied, are shared.
                setattr(twin, name, copy.deepcopy(value))
    return twin


def _twin_dataset(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """A copy with shuffles and variables of its own: a pass over the data set itself would change the next shuffle.

    TensorFlow copies the variables into the serialized graph, but not the generators of a shuffle's seeds.
    """
    try:
        serialized = dataset._as_serialized_graph(external_state_policy=tf.data.experimental.ExternalStatePolicy.IGNORE)
        graph = tf.compat.v1.GraphDef.FromString(serialized.numpy())
        generators = {node.input[-1] for node in graph.node if node.op in SHUFFLES}
        for node in graph.node:
            if node.name in generators:
                name = node.name
                node.Clear()
                node.name, node.op = name, "DummySeedGenerator"
        variant = tf.raw_ops.DatasetFromGraph(graph_def=graph.SerializeToString())
    except Exception as error:  # Errors of several kinds, above all for more than 2 GB of images.
        raise ValueError(
            "The data set of images can't be copied, and reading it would change the shuffles of a training. Give the array of its "
            f"images, or a keras.utils.PyDataset. TensorFlow says: {str(error).splitlines()[0][:200]}"
        ) from error
    return tf.data.experimental.from_variant(variant, dataset.element_spec)
