import numpy as np
import pytest

from zfnet.components.data.batches import central_batches
from zfnet.components.figures import searched_batches as module
from zfnet.components.figures.searched_batches import searched_batches
from zfnet.components.pictures.image_input import ImageInput


@pytest.mark.parametrize(("pixels", "expected"), [(11 * 40 * 56, 8), (4 * 40 * 56, 4), (40, 1)])
def test_batches_are_powers_of_two(examples, monkeypatch, pixels, expected):
    monkeypatch.setattr(module, "PIXELS", pixels)
    sizes = [len(images) for images, _ in searched_batches(examples, "validation", ImageInput(40, 56, False), "Searching")]
    assert set(sizes[:-1]) <= {expected}
    assert sizes[0] == min(expected, examples.count("validation"))


def test_images_are_as_the_model_takes_them_and_each_is_there_once(examples):
    squares = np.concatenate([images for images, _, _ in central_batches(examples, "validation", size=56, batch_size=7)])
    last = list(searched_batches(examples, "validation", ImageInput(40, 56, False), "Searching"))
    first = list(searched_batches(examples, "validation", ImageInput(40, 56, True), "Searching", most=5))
    np.testing.assert_array_equal(np.concatenate([images for images, _ in last]), squares[:, 8:48])
    np.testing.assert_array_equal(np.concatenate([numbers for _, numbers in last]), np.arange(len(squares)))
    np.testing.assert_array_equal(np.concatenate([images for images, _ in first]), squares[:5, 8:48].transpose(0, 3, 1, 2))


def test_some_of_them_with_a_word_about_the_progress(examples, bars):
    ((_, numbers),) = searched_batches(examples, "validation", ImageInput(56, 56, False), "Projecting", numbers={1, 4})
    assert numbers.tolist() == [1, 4]
    assert [(bar.title, bar.total, len(bar.items)) for bar in bars] == [("Projecting", 1, 1)]
