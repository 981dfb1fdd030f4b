import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.deconvnet.image_batches import image_batches

IMAGES = np.zeros((4, 6, 5, 3))
DIFFERENT = np.random.default_rng(0).normal(size=(6, 4, 5, 3))


def ids_of(batches):
    return [ids.tolist() for _, ids in image_batches(batches)]


def test_images_without_ids_are_counted():
    assert ids_of([IMAGES, IMAGES[:2], tf.constant(IMAGES[:1])]) == [[0, 1, 2, 3], [4, 5], [6]]


def test_ids_stay():
    ((images, ids),) = image_batches([(IMAGES, tf.constant([7, 3, 9, 0]))])
    assert images is IMAGES
    assert (ids.tolist(), ids.dtype) == ([7, 3, 9, 0], np.int64)


def test_ids_may_be_far_apart():
    ids = np.array([2**62, 5, 1024, 1023, 2**40, 0])
    assert ids_of([(DIFFERENT[:3], ids[:3]), (DIFFERENT[3:], ids[3:])]) == [ids[:3].tolist(), ids[3:].tolist()]


@pytest.mark.parametrize("ids", [[1, 1, 2, 3], [0, 1, 2], [-1, 0, 1, 2], [0.0, 1.0, 2.0, 3.0], np.eye(4)])
def test_labels_are_no_ids(ids):
    with pytest.raises(ValueError, match=r"batch of 4 images came with ids of shape .* has images and labels, yield the images alone"):
        list(image_batches([(IMAGES, ids)]))


@pytest.mark.parametrize(
    "batches",
    [
        [(IMAGES[:1], [number % 2]) for number in range(12)],
        [(IMAGES, np.arange(4))] * 2,
        [(IMAGES[:3], [2**50, 3, 1]), (IMAGES[:2], [0, 2**50])],
        [(IMAGES[:1], [1]), IMAGES],
        tf.data.Dataset.from_tensor_slices((IMAGES, np.arange(4))).batch(3).repeat(2),
    ],
    ids=["labels one by one", "counted anew", "far apart", "some counted", "repeated"],
)
def test_an_id_that_comes_again_is_refused(batches):
    with pytest.raises(ValueError, match=r"The id \d+ came twice.*Expected another whole number for each image"):
        list(image_batches(batches))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"image": IMAGES, "label": np.arange(4)}, "A batch is a dict with the keys image, label.*yield the images alone, by their key"),
        ([IMAGES, np.arange(4)], r"a list of values of the shapes \(4,\) and \(4, 6, 5, 3\)"),
        ((IMAGES, np.arange(4), np.ones(4)), "a tuple of 3 values"),
    ],
    ids=["dict", "list", "tuple"],
)
def test_other_batches_are_refused(batch, message):
    with pytest.raises(ValueError, match=f"(?i){message}"):
        list(image_batches([batch]))


def test_lists_of_images_and_tuples_of_images_alone_are_taken():
    found = list(image_batches([list(DIFFERENT[:2]), (DIFFERENT[2:],)]))
    np.testing.assert_array_equal(np.concatenate([images for images, _ in found]), DIFFERENT)
    assert [ids.tolist() for _, ids in found] == [[0, 1], [2, 3, 4, 5]]


class Pairs(keras.utils.PyDataset):
    """Three batches of two images; slices beyond them are empty, and never an IndexError."""

    def __len__(self):
        return 3

    def __getitem__(self, number):
        return DIFFERENT[2 * number : 2 * number + 2]


def test_keras_data_sets_are_read_once():
    assert ids_of(Pairs()) == [[0, 1], [2, 3], [4, 5]]


def test_flow_of_keras_without_end_is_read_once():
    flow = keras.src.legacy.preprocessing.image.ImageDataGenerator().flow(DIFFERENT, batch_size=4, shuffle=False)
    assert ids_of(flow) == [[0, 1, 2, 3], [4, 5]]


class Endless(Pairs):
    """A data set that says that it has no end."""

    num_batches = None


@pytest.mark.parametrize("batches", [tf.data.Dataset.from_tensor_slices(DIFFERENT).repeat().batch(4), Endless()], ids=["tf.data", "Keras"])
def test_what_has_no_end_is_refused_at_once(batches):
    with pytest.raises(ValueError, match="repeats without end"):
        next(image_batches(batches))


def test_a_generator_that_starts_again_is_refused():
    def endless():
        while True:
            yield from (DIFFERENT[:3], DIFFERENT[3:])

    with pytest.raises(ValueError, match="The batch after 6 images is the first again"):
        list(image_batches(endless()))


def test_blank_and_single_images_may_come_again():
    assert ids_of([IMAGES[:2], IMAGES[:2]]) == [[0, 1], [2, 3]]
    assert ids_of([DIFFERENT[:1], DIFFERENT[:1]]) == [[0], [1]]
