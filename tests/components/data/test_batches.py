import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.data import batches as module
from zfnet.components.data.batches import central_crops, model_batches, own_shard, padded_batch_size, padded_batches, read_origins
from zfnet.components.inputs.image_input import ImageInput

SIZE = 56


def stored(examples, split):
    return np.concatenate([images for images, _, _ in central_crops(examples, split, size=examples.side, batch_size=7)])


def test_central_batches_hold_every_example_once_in_order(examples):
    batches = list(central_crops(examples, "validation", size=SIZE, batch_size=7))
    numbers = np.concatenate([numbers for _, _, numbers in batches])
    assert numbers.tolist() == list(range(examples.count("validation")))
    assert len(batches[-1][0]) == (examples.count("validation") % 7 or 7)
    margin = (examples.side - SIZE) // 2
    whole = stored(examples, "validation")[:, margin : margin + SIZE, margin : margin + SIZE]
    np.testing.assert_array_equal(np.concatenate([images for images, _, _ in batches]), whole)


def test_central_batches_of_some_numbers(examples):
    (images, _, numbers), *others = central_crops(examples, "train", size=examples.side, batch_size=7, numbers={5, 40, 2})
    assert (numbers.numpy().tolist(), others) == ([2, 5, 40], [])
    np.testing.assert_array_equal(images, stored(examples, "train")[[2, 5, 40]])


def test_each_name_is_in_memory_once(examples):
    photographs, _, ids, _ = read_origins(examples, "train")
    assert photographs == ids
    assert all(one is other for one, other in zip(photographs, ids, strict=True))


def test_central_batches_of_the_first_few(examples):
    batches = central_crops(examples, "train", size=SIZE, batch_size=4, most=6)
    assert [numbers.numpy().tolist() for _, _, numbers in batches] == [[0, 1, 2, 3], [4, 5]]
    assert len(batches) == 2


def test_labels_are_those_of_the_folders(examples):
    labels = np.concatenate([labels for _, labels, _ in central_crops(examples, "train", size=SIZE, batch_size=7)])
    photographs, boxes, ids, same = read_origins(examples, "train")
    assert [examples.labels[label] for label in labels] == [photograph.split("/")[0] for photograph in photographs]
    assert same.tolist() == labels.tolist()
    assert boxes.shape == (len(ids), 4)
    # A centre crop of the photograph, which is 90 pixels wide and at least 70 high.
    assert set((boxes[:, 2] - boxes[:, 0]).tolist()) <= set(range(70, 91))


@pytest.mark.parametrize("replicas", [1, 2, 3, 4])
@pytest.mark.parametrize("examples", [1, 3, 7, 64, 65, 128, 750, 50_000])
def test_shares_are_whole_and_padding_is_less_than_it_could_be(examples, replicas):
    size = padded_batch_size(examples, 64, replicas)
    batches = -(-examples // size)
    assert size % replicas == 0
    assert size // replicas <= 64
    assert batches == -(-examples // (64 * replicas))
    assert size * batches - examples < batches * replicas


@pytest.mark.parametrize(("batch_size", "pipelines", "replicas"), [(8, 1, 1), (8, 1, 4), (8, 2, 4), (16, 4, 4), (4, 2, 2)])
def test_counted_batches_share_every_example_once(examples, batch_size, pipelines, replicas):
    # 23 examples: a remainder whatever the batch.
    count = examples.count("validation")
    parts = [
        list(
            padded_batches(
                examples,
                "validation",
                size=SIZE,
                batch_size=batch_size,
                context=tf.distribute.InputContext(pipelines, number, replicas),
            )
        )
        for number in range(pipelines)
    ]
    each = replicas // pipelines
    assert {len(part) for part in parts} == {-(-count // batch_size) * each}
    assert {len(images) for part in parts for images, _, _ in part} == {batch_size // replicas}
    ordered = [batch for first in range(0, len(parts[0]), each) for part in parts for batch in part[first : first + each]]
    counted = np.concatenate([counted for _, _, counted in ordered])
    images = np.concatenate([images for images, _, _ in ordered])
    assert counted.tolist() == [True] * count + [False] * (len(counted) - count)
    assert not images[count:].any()
    whole = next(iter(central_crops(examples, "validation", size=SIZE, batch_size=count)))
    np.testing.assert_array_equal(images[:count], whole[0])
    np.testing.assert_array_equal(np.concatenate([labels for _, labels, _ in ordered])[:count], whole[1])


def taken(count, batch_size, pipelines, number):
    numbered = tf.data.Dataset.range(count).enumerate()
    context = tf.distribute.InputContext(pipelines, number, pipelines)
    return [int(record) for _, record in own_shard(numbered, batch_size, context)]


@pytest.mark.parametrize("number", [0, 1])
def test_of_every_batch_the_pipelines_take_equal_parts(number):
    assert taken(10, 4, 2, number) == [[0, 1, 4, 5, 8, 9], [2, 3, 6, 7]][number]


def test_one_pipeline_takes_all():
    assert taken(5, 2, 1, 0) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("pixels", "expected"), [(11 * 40 * 56, 8), (4 * 40 * 56, 4), (40, 1)])
def test_batches_are_powers_of_two(examples, monkeypatch, pixels, expected):
    monkeypatch.setattr(module, "PIXELS", pixels)
    sizes = [len(images) for images, _ in model_batches(examples, "validation", ImageInput(40, 56, False), "Searching")]
    assert set(sizes[:-1]) <= {expected}
    assert sizes[0] == min(expected, examples.count("validation"))


def test_images_are_as_the_model_takes_them_and_each_is_there_once(examples):
    squares = np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])
    last = list(model_batches(examples, "validation", ImageInput(40, 56, False), "Searching"))
    first = list(model_batches(examples, "validation", ImageInput(40, 56, True), "Searching", most=5))
    np.testing.assert_array_equal(np.concatenate([images for images, _ in last]), squares[:, 8:48])
    np.testing.assert_array_equal(np.concatenate([numbers for _, numbers in last]), np.arange(len(squares)))
    np.testing.assert_array_equal(np.concatenate([images for images, _ in first]), squares[:5, 8:48].transpose(0, 3, 1, 2))


def test_some_of_them_with_a_word_about_the_progress(examples, bars):
    ((_, numbers),) = model_batches(examples, "validation", ImageInput(56, 56, False), "Projecting", numbers={1, 4})
    assert numbers.tolist() == [1, 4]
    assert [(bar.title, bar.total, len(bar.items)) for bar in bars] == [("Projecting", 1, 1)]
