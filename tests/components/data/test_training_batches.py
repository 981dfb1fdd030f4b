import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.data.batches import central_batches, read_origins
from zfnet.components.data.training_batches import training_batches, training_ids, vary_colours
from zfnet.model.net.ten_crop import ten_crop

SIZE = 56


@pytest.fixture(autouse=True, scope="module")
def seeded():
    # As the trainer seeds it; with 0 TensorFlow can't shuffle by the number of an epoch.
    tf.random.set_seed(1)


def stored(examples, split):
    return np.concatenate([images for images, _, _ in central_batches(examples, split, size=examples.side, batch_size=7)])


def epochs_of(examples, mean, *, first_epoch, epochs, seed=0, crops="ten", **others):
    batches = training_batches(
        examples, mean, size=SIZE, batch_size=8, seed=seed, first_epoch=first_epoch, epochs=epochs, crops=crops, **others
    )
    return [(images.numpy(), labels.numpy()) for images, labels in batches]


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


def test_from_the_middle_of_an_epoch_come_the_same_batches(examples, statistics):
    mean = statistics.mean_image()
    whole = epochs_of(examples, mean, first_epoch=1, epochs=3)
    resumed = epochs_of(examples, mean, first_epoch=1, first_step=5, epochs=3)
    assert len(resumed) == len(whole) - 5
    for one, other in zip(resumed, whole[5:], strict=True):
        np.testing.assert_array_equal(one[0], other[0])


@pytest.mark.parametrize("pipelines", [1, 2])
def test_replicas_share_the_batches_of_one(examples, statistics, pipelines):
    mean, replicas = statistics.mean_image(), 4
    whole = epochs_of(examples, mean, first_epoch=0, first_step=2, epochs=2)
    contexts = [tf.distribute.InputContext(pipelines, number, replicas) for number in range(pipelines)]
    parts = [epochs_of(examples, mean, first_epoch=0, first_step=2, epochs=2, context=context) for context in contexts]
    each = replicas // pipelines
    assert {len(part) for part in parts} == {len(whole) * each}
    for step, (images, labels) in enumerate(whole):
        shares = [share for part in parts for share in part[step * each : (step + 1) * each]]
        np.testing.assert_array_equal(np.concatenate([share[0] for share in shares]), images)
        np.testing.assert_array_equal(np.concatenate([share[1] for share in shares]), labels)


def test_examples_of_a_step_are_named(examples, statistics):
    mean = statistics.mean_image()
    photographs, _, ids, _ = read_origins(examples, "train")
    label_of = {id: examples.labels.index(photograph.split("/")[0]) for photograph, id in zip(photographs, ids, strict=True)}
    batches = epochs_of(examples, mean, first_epoch=1, epochs=2)
    for step in (0, 4):
        named = training_ids(examples, batch_size=8, seed=0, epoch=1, step=step)
        assert len(set(named)) == 8
        assert [label_of[id] for id in named] == batches[step][1].tolist()


def test_colours_are_varied_as_is_said():
    image = np.random.default_rng(0).uniform(-128, 128, (4, 5, 3)).astype("float32")
    draws = tf.constant([[1.0, 0.5, 0.5, 0.5, 0.9], [0.5, 1.0, 0.0, 0.75, 0.9], [0.0, 1.0, 1.0, 1.0, 0.39]])
    brighter, cast, grey = vary_colours(np.stack([image] * 3), draws)
    np.testing.assert_allclose(brighter, 1.3 * image, rtol=1e-6)
    np.testing.assert_allclose(cast, image + np.array([40, -40, 20]), rtol=1e-5, atol=1e-4)
    expected = (0.7 * image + 40).mean(axis=2, keepdims=True)
    np.testing.assert_allclose(grey, np.repeat(expected, 3, axis=2), rtol=1e-4, atol=1e-4)


def test_varied_colours_change_the_images_of_the_same_batches_and_differ_by_example_and_epoch(examples, statistics):
    mean = statistics.mean_image()
    kept = epochs_of(examples, mean, first_epoch=0, epochs=3)
    varied = epochs_of(examples, mean, first_epoch=0, epochs=3, varied_epochs=2)
    again = epochs_of(examples, mean, first_epoch=1, epochs=3, varied_epochs=2)
    steps = examples.count("train") // 8
    for (plain, _), (images, _) in zip(kept[2 * steps :], varied[2 * steps :], strict=True):
        np.testing.assert_array_equal(plain, images)
    gains, greys = [], []
    for (plain, labels), (images, varied_labels) in zip(kept[: 2 * steps], varied[: 2 * steps], strict=True):
        np.testing.assert_array_equal(labels, varied_labels)
        for one, other in zip(plain, images, strict=True):
            # The spread of the grey image is free of what was added, and stays as it was but for the gain.
            spread = [image.mean(axis=2).std() for image in (one, other)]
            gains.append(spread[1] / spread[0])
            greys.append(np.ptp(other, axis=2).max() < 1e-3)
    assert 0.6999 <= min(gains) < 0.76
    assert 1.24 < max(gains) <= 1.3001
    assert len({round(float(gain), 5) for gain in gains}) > 0.9 * len(gains)
    assert 0.2 < np.mean(greys) < 0.6
    for (images, _), (resumed, _) in zip(varied[steps:], again, strict=True):
        np.testing.assert_array_equal(images, resumed)
