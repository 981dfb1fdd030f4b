import random
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.callbacks.read_images import read_images

COUNT = 12
IMAGES = np.arange(COUNT, dtype=np.float32)[:, None, None, None] * np.ones((COUNT, 4, 5, 3), np.float32)
LABELS = np.arange(COUNT) % 3
FOREVER = 1 << 30


def numbers(pixels):
    assert pixels.shape[1:] == (4, 5, 3)
    return pixels[:, 0, 0, 0].tolist()


class Batches(keras.utils.PyDataset):
    """Batches of five, shuffled and made darker at random, as augmenting ones are."""

    def __init__(self):
        super().__init__()
        self.random, self.served, self.lock = np.random.default_rng(0), 0, threading.Lock()

    @property
    def num_batches(self):
        return -(-COUNT // 5)

    def __getitem__(self, index):
        self.served += 1
        darker = self.random.random() + np.random.random() + random.random()
        part = slice(5 * index, 5 * index + 5)
        return IMAGES[part] - darker, LABELS[part]


def test_images_of_an_array_are_evenly_spread():
    assert numbers(read_images(IMAGES, 4, FOREVER)) == [0, 4, 7, 11]
    assert numbers(read_images(IMAGES.tolist(), 100, FOREVER)) == list(range(COUNT))
    # 240 bytes an image.
    assert numbers(read_images(tf.constant(IMAGES), 100, 500)) == [0, 11]
    assert read_images(IMAGES.astype(np.uint8), 4, FOREVER).dtype == np.uint8
    assert read_images(IMAGES.astype(np.float64), 4, FOREVER).dtype == np.float32


@pytest.mark.parametrize("labelled", [False, True])
def test_images_of_a_data_set_are_the_first(labelled):
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS) if labelled else IMAGES).batch(5)
    assert numbers(read_images(dataset, 7, FOREVER)) == list(range(7))
    assert numbers(read_images(dataset, 100, FOREVER)) == list(range(COUNT))


def random_dataset():
    """A data set with every kind of random number that one can have."""
    keras.utils.set_random_seed(3)
    turned, generator = keras.layers.RandomRotation(0.5), tf.random.Generator.from_seed(1)

    def change(image, label):
        noise = generator.uniform(()) + tf.random.uniform(()) + tf.cast(tf.numpy_function(np.random.random, (), tf.float64), tf.float32)
        return turned(image[None], training=True)[0] + noise, label

    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).shuffle(COUNT).repeat(1)
    return dataset.map(lambda image, label: change(image, label)).batch(5)


def test_random_numbers_of_a_data_set_are_left_alone():
    def passes(dataset):
        return [[pixels.numpy() for pixels, _ in dataset] for _ in range(2)]

    expected, dataset = passes(random_dataset()), random_dataset()
    states = random.getstate(), np.random.get_state()[1].tolist()
    first, again = read_images(dataset, 8, FOREVER), read_images(dataset, 8, FOREVER)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states
    np.testing.assert_array_equal(first, again)
    for one, other in zip(expected, passes(dataset), strict=True):
        for pixels, others in zip(one, other, strict=True):
            np.testing.assert_array_equal(pixels, others)
    # A training gets these first.
    np.testing.assert_array_equal(first, np.concatenate(expected[0])[:8])


def test_random_numbers_and_counters_of_a_py_dataset_are_left_alone():
    def whole(dataset):
        np.random.seed(1)
        random.seed(1)
        return np.concatenate([dataset[place][0] for place in range(dataset.num_batches)])

    expected, dataset = whole(Batches()), Batches()
    np.random.seed(1)
    random.seed(1)
    found = read_images(dataset, 100, FOREVER)
    assert len(found) == COUNT
    assert dataset.served == 0
    np.testing.assert_array_equal(whole(dataset), expected)
    # Some of each batch.
    assert [round(number) // 5 for number in read_images(dataset, 6, FOREVER)[:, 0, 0, 0] + 1.5] == [0, 0, 1, 1, 2, 2]


def test_a_data_set_of_a_python_generator_can_be_read_again():
    def generate():
        yield from IMAGES

    dataset = tf.data.Dataset.from_generator(generate, output_signature=tf.TensorSpec((4, 5, 3))).batch(5)
    assert numbers(read_images(dataset, 7, FOREVER)) == list(range(7))
    assert numbers(read_images(dataset, 7, FOREVER)) == list(range(7))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((image for image in IMAGES), "come from a generator, which can be read only once"),
        (iter([IMAGES]), "come from a list_iterator, which can be read only once"),
        (iter(tf.data.Dataset.from_tensors(IMAGES)), "come from a OwnedIterator, which can be read only once"),
        (lambda: IMAGES, "come from a function"),
        (tf.data.Dataset.from_tensors(IMAGES).repeat(), "repeats without end"),
        ({"images": IMAGES}, "are of type dict"),
        ("photographs", "are of type str"),
        (None, "are of type NoneType"),
        ((IMAGES, LABELS), "are a tuple of arrays of several shapes"),
        (np.array(3), r"A batch of images has the shape \(\)"),
        (IMAGES[0], r"A batch of images has the shape \(4, 5, 3\)"),
        (IMAGES[:0], "There are no images"),
        (np.where(IMAGES == 3, np.nan, IMAGES), "not all finite numbers"),
        (tf.data.Dataset.from_tensor_slices(IMAGES), r"shape \(4, 5, 3\); expected .* a batched tf.data.Dataset"),
        (tf.data.Dataset.from_tensors({"image": IMAGES}), "is a dict with the keys image"),
        (
            tf.data.Dataset.from_generator(lambda: (IMAGES, IMAGES[:, 1:]), output_signature=tf.TensorSpec((None, None, None, 3))),
            r"of the shapes \(4, 5, 3\) and \(3, 5, 3\)",
        ),
    ],
)
def test_wrong_images_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        read_images(images, 100, FOREVER)


class Ordered(keras.utils.PyDataset):
    """Batches in order."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def __len__(self):
        return -(-COUNT // self.size)

    def __getitem__(self, number):
        return IMAGES[number * self.size :][: self.size], LABELS[number * self.size :][: self.size]


@pytest.mark.parametrize("images", [IMAGES, Ordered(1), Ordered(2)])
def test_a_limit_of_bytes_spreads_images_too(images):
    found = numbers(read_images(images, most=COUNT, most_bytes=3 * IMAGES[0].nbytes))
    assert len(found) == 3
    assert found[0] < 4
    assert found[-1] >= 6


def test_of_large_batches_images_come_from_several():
    assert numbers(read_images(Ordered(6), most=6, most_bytes=FOREVER)) == [0, 2, 5, 6, 8, 11]
    assert numbers(read_images(Ordered(5), most=COUNT, most_bytes=FOREVER)) == list(range(COUNT))
