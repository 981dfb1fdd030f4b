import dataclasses

import keras
import numpy as np
import pytest

from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures.gallery import example_search
from zfnet.components.figures.gallery.example_search import SHOWN_ELSEWHERE, distinct_places, top_examples
from zfnet.components.inputs.model_file import load_model_file
from zfnet.model import Deconvnet


@pytest.fixture(scope="module")
def deconvnet():
    """Two units that see the redness and the blueness of the middle of an image that is not square."""
    net = keras.Sequential([keras.Input((40, 56, 3)), keras.layers.Conv2D(2, 3, activation="relu", name="colour")])
    kernel = np.zeros((3, 3, 3, 2), np.float32)
    kernel[1, 1] = np.array([[1, 0], [0, 0], [0, 1]])
    net.set_weights([kernel, np.zeros(2)])
    return Deconvnet(net)


def test_the_first_examples_alone(deconvnet, examples, search_of, bars):
    search = search_of(deconvnet, most=5)
    strongest = search.strongest(["colour"])
    images = np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])[:5, 8:48]
    ranks = search.different("colour", 1, 2)
    found = strongest["colour"]
    assert set(found.examples[found.values > 0]) <= set(range(5))
    np.testing.assert_allclose(found.values[1, 0], images[:, 1:-1, 1:-1, 2].max())
    drawn = list(search.project(strongest, {"colour": (np.array([1, 1]), np.array(ranks))}))
    assert [(each.layer, each.unit, each.rank) for each in drawn] == [("colour", 1, rank) for rank in ranks]
    assert [each.projection.shape for each in drawn] == [(3, 3, 3)] * 2
    # All pixels but the middle one are 0, which the scale is a little below.
    np.testing.assert_allclose([each.scale for each in drawn], found.values[1, ranks], rtol=0.06)
    assert [(bar.title, bar.total) for bar in bars] == [("Searching", 1), ("Projecting", 1)]
    assert [[len(images) for images, _, _ in bar.items] for bar in bars] == [[5], [2]]
    assert search.strongest(["colour"])["colour"] is found  # Not searched again.
    assert len(bars) == 2


def test_answers_of_too_many_units_and_classes_are_not_counted(deconvnet, search_of, monkeypatch):
    assert search_of(deconvnet).answers("colour").auc.shape == (2, 3)
    monkeypatch.setattr(example_search, "MOST_ANSWERS", 5)
    search = search_of(deconvnet)
    assert search.answers("colour") is None
    assert (search.strongest(["colour"])["colour"].values[:, 0] > 0).all()


def test_each_photograph_is_a_place(deconvnet, examples, search_of):
    search = search_of(deconvnet)
    search.strongest(["colour"])
    assert search.different("colour", 0, 4) == [0, 1, 2, 3]
    assert search.images.origins.ids == read_origins(examples, "validation")[2]


def test_a_unit_that_is_never_positive_has_no_places(deconvnet, search_of):
    search = search_of(deconvnet)
    found = search.strongest(["colour"])["colour"]
    found.values[0] = 0
    assert search.different("colour", 0) == []
    assert list(search.project({"colour": found}, {})) == []


def test_windows_of_one_photograph_are_told_apart_not_its_images(deconvnet, examples, search_of):
    # One photograph, of which every image shows nearly all; what a unit sees of 3 x 3 pixels may lie anywhere.
    search = search_of(deconvnet)
    found = search.strongest(["colour"])["colour"]
    count, side = len(search.images.origins.ids), 2 * examples.side
    origins = search.images.origins._replace(photographs=["one"] * count, boxes=np.tile([0, 0, side, side], (count, 1)))
    search.images = dataclasses.replace(search.images, origins=origins)
    places = found.positions[0]
    ranks = search.different("colour", 0, 3)
    assert len(ranks) == 3
    apart = [np.abs(places[one] - places[other]) for one in ranks for other in ranks if one < other]
    assert all(np.prod(np.clip(3 - each, 0, None)) / 9 <= 0.5 for each in apart)
    windows = search._windows("colour", found.examples[0, :1], places[:1])
    # Pixels of the photograph are half as large; of the stored square the model sees 40 x 56 in the middle.
    margin = (examples.side - np.array([40, 56])) // 2
    np.testing.assert_allclose(windows[0], 2 * np.concatenate([places[0] + margin, places[0] + margin + 3]))


def choose(boxes, count=9, photographs=None):
    return distinct_places(photographs or ["one"] * len(boxes), np.array(boxes), count)


def test_a_half_shared_is_still_another_place():
    assert choose([(0, 0, 8, 8), (0, 4, 8, 12)]) == [0, 1]
    assert choose([(0, 0, 8, 8), (0, 3, 8, 11)]) == [0]


def test_the_smaller_of_two_counts():
    assert choose([(0, 0, 20, 20), (0, 0, 4, 4)]) == [0]
    assert choose([(0, 0, 4, 4), (0, 0, 20, 20)]) == [0]


def test_a_passed_over_image_does_not_bar_others():
    # The third overlaps the second only, which is not shown.
    assert choose([(0, 0, 8, 8), (0, 3, 8, 11), (0, 6, 8, 14)]) == [0, 2]


def test_same_box_of_other_photographs_is_another_place():
    assert choose([(0, 0, 8, 8)] * 3, photographs=["one", "two", "one"]) == [0, 1]


def test_stops_at_the_count():
    assert choose([(0, 10 * i, 8, 10 * i + 8) for i in range(5)], count=3) == [0, 1, 2]


def test_they_are_the_strongest_of_that_unit_over_the_examples(examples, model, search_of):
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    (images, _, _), *_ = central_crops(examples, "validation", size=56, batch_size=1000).as_numpy_iterator()
    maxima = np.asarray(deconvnet.activations(images, ["conv5"])[0]).max(axis=(1, 2))
    unit = int(maxima.sum(axis=0).argmax())
    found = top_examples(search_of(deconvnet), "conv5", unit)
    order = np.argsort(-maxima[:, unit])
    # These photographs are whole: no two examples show one place.
    assert [each.example for each in found] == order[:SHOWN_ELSEWHERE].tolist()
    np.testing.assert_allclose([each.activation for each in found], maxima[order[:SHOWN_ELSEWHERE], unit], rtol=1e-5)
    assert all(each.projection.shape == each.patch.shape for each in found)
    few = top_examples(search_of(deconvnet, most=2), "conv5", unit)
    assert {each.example for each in few} <= {0, 1}


def test_a_unit_that_is_never_positive_has_none(model, search_of):
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    layer = deconvnet.model.get_layer("conv5")
    layer.bias.assign(np.full(layer.bias.shape, -1e6))
    assert top_examples(search_of(deconvnet), "conv5", 0) == []


def test_fields_of_a_model_of_open_size(examples, search_of):
    layers = [keras.layers.Conv2D(2, 3, padding="same", activation="relu", name=name) for name in ("first", "second")]
    search = search_of(Deconvnet(keras.Sequential([keras.Input((None, None, 3)), *layers])))
    assert search.field("second").size == (5, 5)
