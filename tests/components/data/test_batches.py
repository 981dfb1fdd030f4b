import numpy as np

from zfnet.components.data.batches import central_batches, read_origins

SIZE = 56


def stored(examples, split):
    return np.concatenate([images for images, _, _ in central_batches(examples, split, size=examples.side, batch_size=7)])


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


def test_central_batches_of_the_first_few(examples):
    batches = central_batches(examples, "train", size=SIZE, batch_size=4, most=6)
    assert [numbers.numpy().tolist() for _, _, numbers in batches] == [[0, 1, 2, 3], [4, 5]]
    assert len(batches) == 2


def test_labels_are_those_of_the_folders(examples):
    labels = np.concatenate([labels for _, labels, _ in central_batches(examples, "train", size=SIZE, batch_size=7)])
    photographs, boxes, ids, same = read_origins(examples, "train")
    assert [examples.labels[label] for label in labels] == [photograph.split("/")[0] for photograph in photographs]
    assert same.tolist() == labels.tolist()
    assert boxes.shape == (len(ids), 4)
    # A centre crop of the photograph, which is 90 pixels wide and at least 70 high.
    assert set((boxes[:, 2] - boxes[:, 0]).tolist()) <= set(range(70, 91))
