import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import map_coordinates

from zfnet.components.data import training_batches as training_batches_module
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.data.training_batches import DRAWS, scaled_boxes, training_batches, training_ids, vary_colours
from zfnet.model.net.evaluation import ten_crop

SIZE = 56


def stored(examples, split):
    return np.concatenate([images for images, _, _ in central_crops(examples, split, size=examples.side, batch_size=7)])


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


def test_global_seed_changes_nothing(examples, statistics):
    labels = []
    for seed in (0, 1, 2):
        tf.random.set_seed(seed)
        labels.append([labels for _, labels in epochs_of(examples, statistics.mean_image(), first_epoch=0, epochs=1)])
    np.testing.assert_array_equal(labels[0], labels[1])
    np.testing.assert_array_equal(labels[0], labels[2])


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
    draws = tf.constant([[1.0, 0.5, 0.5, 0.5, 0.9], [0.5, 1.0, 0.0, 0.75, 0.9], [0.0, 1.0, 1.0, 1.0, 0.59]])
    brighter, cast, grey = vary_colours(np.stack([image] * 3), draws)
    np.testing.assert_allclose(brighter, 1.3 * image, rtol=1e-6)
    np.testing.assert_allclose(cast, image + np.array([25, -25, 12.5]), rtol=1e-5, atol=1e-4)
    expected = (0.7 * image + 25).mean(axis=2, keepdims=True)
    np.testing.assert_allclose(grey, np.repeat(expected, 3, axis=2), rtol=1e-4, atol=1e-4)


def test_strong_augmentation_sees_squares_of_the_image_in_varied_colours(examples, statistics):
    mean = statistics.mean_image()
    images = stored(examples, "train") - mean
    numbers = {id: number for number, id in enumerate(read_origins(examples, "train").ids)}
    batches = epochs_of(examples, mean, first_epoch=1, epochs=2, strong_epochs=2)
    for step in (0, 3):
        for place, id in enumerate(training_ids(examples, batch_size=8, seed=0, epoch=1, step=step)):
            draw_seed = tf.constant([2**32, step * 8 + place], tf.int64)
            boxes = scaled_boxes(tf.random.stateless_uniform([3], draw_seed, maxval=DRAWS, dtype=tf.int32)[None])
            top, first, bottom, last = boxes.numpy()[0] * (examples.side - 1)
            grid = np.meshgrid(np.linspace(top, bottom, SIZE), np.linspace(first, last, SIZE), indexing="ij")
            seen = np.stack([map_coordinates(channel, grid, order=1) for channel in images[numbers[id]].transpose(2, 0, 1)], axis=2)
            colours = tf.random.stateless_uniform([5], tf.random.fold_in(draw_seed, 1))
            np.testing.assert_allclose(batches[step][0][place], vary_colours(seen[None], colours[None])[0], atol=0.05)


def test_strong_augmentation_ends(examples, statistics):
    mean, steps = statistics.mean_image(), examples.count("train") // 8
    plain = epochs_of(examples, mean, first_epoch=0, epochs=3)
    strong = epochs_of(examples, mean, first_epoch=0, epochs=3, strong_epochs=2)
    resumed = epochs_of(examples, mean, first_epoch=1, epochs=3, strong_epochs=2)
    for number, ((images, labels), (strong_images, strong_labels)) in enumerate(zip(plain, strong, strict=True)):
        np.testing.assert_array_equal(labels, strong_labels)
        assert np.array_equal(images, strong_images) == (number >= 2 * steps)
    for (images, _), (again, _) in zip(strong[steps:], resumed, strict=True):
        np.testing.assert_array_equal(images, again)
    grey = [np.ptp(image, axis=2).max() < 1e-3 for images, _ in strong[: 2 * steps] for image in images]
    assert 0.45 < np.mean(grey) < 0.75


def test_squares_lie_in_the_image_and_half_of_them_are_mirrored():
    draws = tf.random.stateless_uniform([2000, 3], [0, 0], maxval=DRAWS, dtype=tf.int32)
    top, first, bottom, last = scaled_boxes(draws).numpy().T
    sides = bottom - top
    np.testing.assert_allclose(np.abs(last - first), sides, atol=1e-6)
    assert 0.6 <= sides.min() < 0.61
    assert 0.99 < sides.max() <= 1
    for starts, ends in ((top, bottom), (np.minimum(first, last), np.maximum(first, last))):
        assert 0 <= starts.min() < 0.01
        assert 0.99 < ends.max() <= 1
        assert np.corrcoef(starts, sides)[0, 1] < 0
    assert 0.45 < np.mean(last < first) < 0.55


@pytest.mark.parametrize("strong_epochs", [0, 2])
def test_images_that_do_not_fit_into_memory_make_the_same_batches(examples, statistics, monkeypatch, strong_epochs):
    mean = statistics.mean_image()
    held = epochs_of(examples, mean, first_epoch=0, epochs=2, strong_epochs=strong_epochs)
    monkeypatch.setattr(training_batches_module, "MOST_HELD", examples.count("train") * 3 * examples.side**2 - 1)
    monkeypatch.setattr(training_batches_module, "_decode_all", None)
    read = epochs_of(examples, mean, first_epoch=0, epochs=2, strong_epochs=strong_epochs)
    for (images, labels), (expected_images, expected_labels) in zip(read, held, strict=True):
        np.testing.assert_array_equal(images, expected_images)
        np.testing.assert_array_equal(labels, expected_labels)
