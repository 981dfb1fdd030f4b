import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.data.batches import central_batches, read_origins
from zfnet.components.data.training_batches import training_batches
from zfnet.model.net.ten_crop import ten_crop

SIZE = 56


@pytest.fixture(autouse=True, scope="module")
def seeded():
    # As the trainer seeds it; with 0 TensorFlow can't shuffle by the number of an epoch.
    tf.random.set_seed(1)


def stored(examples, split):
    return np.concatenate([images for images, _, _ in central_batches(examples, split, size=examples.side, batch_size=7)])


def epochs_of(examples, mean, *, first_epoch, epochs, seed=0, crops="ten"):
    batches = training_batches(examples, mean, size=SIZE, batch_size=8, seed=seed, first_epoch=first_epoch, epochs=epochs, crops=crops)
    return [(images.numpy(), labels.numpy()) for images, labels in batches]


def test_central_batches_hold_every_example_once_in_order(examples):
    batches = list(central_batches(examples, "validation", size=SIZE, batch_size=7))
    numbers = np.concatenate([numbers for _, _, numbers in batches])
    assert numbers.tolist() == list(range(examples.count("validation")))
    assert len(batches[-1][0]) == (examples.count("validation") % 7 or 7)
    margin = (examples.side - SIZE) // 2
    whole = stored(examples, "validation")[:, margin : margin + SIZE, margin : margin + SIZE]
    np.testing.assert_array_equal(np.concatenate([images for images, _, _ in batches]), whole)


def test_central_batches_of_some_numbers(examples):
    (images, _, numbers), *others = central_batches(examples, "train", size=examples.side, batch_size=7, numbers={5, 40, 2})
    assert (numbers.numpy().tolist(), others) == ([2, 5, 40], [])
    np.testing.assert_array_equal(images, stored(examples, "train")[[2, 5, 40]])


def test_labels_are_those_of_the_folders(examples):
    labels = np.concatenate([labels for _, labels, _ in central_batches(examples, "train", size=SIZE, batch_size=7)])
    photographs, boxes, ids = read_origins(examples, "train")
    assert [examples.labels[label] for label in labels] == [photograph.split("/")[0] for photograph in photographs]
    assert boxes.shape == (len(ids), 4)
    # A centre crop of the photograph, which is 90 pixels wide and at least 70 high.
    assert set((boxes[:, 2] - boxes[:, 0]).tolist()) <= set(range(70, 91))


def test_training_images_are_crops_of_the_ten_less_the_mean(examples, statistics):
    mean = statistics.mean_image()
    batches = epochs_of(examples, mean, first_epoch=0, epochs=1)
    crops = ten_crop(tf.constant(stored(examples, "train") - mean), SIZE).numpy().reshape(-1, SIZE * SIZE * 3)
    used = set()
    for image in np.concatenate([images for images, _ in batches[:4]]):
        distances = np.abs(crops - image.ravel()).max(1)
        assert distances.min() < 1e-3
        used.add(int(distances.argmin()) % 10)
    assert len(used) > 5


def test_an_epoch_is_the_same_whether_it_comes_first_or_later(examples, statistics):
    mean = statistics.mean_image()
    together = epochs_of(examples, mean, first_epoch=0, epochs=3)
    steps = examples.count("train") // 8
    assert len(together) == 3 * steps
    resumed = epochs_of(examples, mean, first_epoch=2, epochs=3)
    for (images, labels), (expected_images, expected_labels) in zip(resumed, together[2 * steps :], strict=True):
        np.testing.assert_array_equal(images, expected_images)
        np.testing.assert_array_equal(labels, expected_labels)
    assert not np.array_equal(together[0][0], together[steps][0])


def test_seed_changes_order(examples, statistics):
    mean = statistics.mean_image()
    one, other = (epochs_of(examples, mean, first_epoch=0, epochs=1, seed=seed) for seed in (0, 1))
    assert not np.array_equal(one[0][1], other[0][1]) or not np.array_equal(one[0][0], other[0][0])


def test_random_crops_reach_other_places(examples, statistics):
    mean = statistics.mean_image()
    crops = ten_crop(tf.constant(stored(examples, "train") - mean), SIZE).numpy().reshape(-1, SIZE * SIZE * 3)
    images = epochs_of(examples, mean, first_epoch=0, epochs=1, crops="random")[0][0]
    assert any(np.abs(crops - image.ravel()).max(1).min() > 1 for image in images)
