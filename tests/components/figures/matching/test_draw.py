import json

import keras
import numpy as np
import pytest

from zfnet.components.figures.gallery.gallery import GalleryModel
from zfnet.components.figures.matching.draw import draw_matches, judged, match
from zfnet.components.figures.matching.matches import LayerMatches, match_layers
from zfnet.components.pictures.sheet import GAP, HEADING, TITLE
from zfnet.model import Deconvnet
from zfnet.model.measures.map_matches import match_maps


def net(order=None, seed=0, filters=6):
    """A small net; or the net of seed 0 with its first maps in another order."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((40, 56, 3)),
            keras.layers.Rescaling(1 / 64, -2),
            keras.layers.Conv2D(filters, 5, strides=3, activation="relu", name="first"),
            keras.layers.Conv2D(4, 3, activation="relu", name="second"),
        ]
    )
    if order is not None:
        kernel, bias = net().get_layer("first").get_weights()
        model.get_layer("first").set_weights([kernel[..., order], bias[order]])
    return model


@pytest.fixture(scope="module")
def drawn(search_of):
    order = [3, 1, 5, 0, 2, 4]
    deconvnets = [Deconvnet(net()), Deconvnet(net(order))]
    models = [GalleryModel(search_of(each), name, about={"model": name}) for each, name in zip(deconvnets, ("one", "other"), strict=True)]
    pairs = [("first", "first"), ("second", "first")]
    found = match_layers(*deconvnets, (models[0].search.images, models[1].search.images), pairs)
    return order, found, draw_matches(models, found, maps=4)


def test_numbers_name_every_map_and_its_partner(drawn):
    order, _, figure = drawn
    numbers = json.loads(json.dumps(figure.numbers))
    assert numbers["pictures"] == ["match.png", "match_first.png", "match_second~first.png"]
    assert [each["name"] for each in numbers["models"]] == ["one", "other"]
    first = numbers["layers"][0]
    living = [unit for unit in range(6) if unit not in first["constant"]]
    assert {unit: order[first["maps"][str(unit)]["partner"]] for unit in living} == {unit: unit for unit in living}
    assert all(first["maps"][str(unit)]["correlation"] == 1 for unit in living)
    assert first["matched"] == 1
    assert first["without_match"] == []
    assert len(first["drawn"]) == min(4, len(living))


def test_drawn_from_the_best_match_to_the_worst(drawn):
    _, found, figure = drawn
    correlations = found[1].matches.correlations
    shown = [correlations[unit] for unit in figure.numbers["layers"][1]["drawn"]]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == np.nanmax(correlations)
    assert shown[-1] == np.nanmin(correlations)


def test_partners_are_drawn_beside_each_other(drawn):
    _, _, figure = drawn
    picture = figure.pictures["match_first"]
    # The maps are the same, so both halves are, below their titles and headings.
    height = (picture.shape[0] - 2 * TITLE) // len(figure.numbers["layers"][0]["drawn"])
    half = picture.shape[1] // 2
    top = 2 * TITLE + 6 * GAP + HEADING
    one, other = picture[top : top + height - HEADING - 12 * GAP, : half - GAP], picture[top : top + height - HEADING - 12 * GAP, half:-GAP]
    assert one.std() > 5
    np.testing.assert_array_equal(one[:, 6 * GAP : 300], other[:, 6 * GAP : 300])


def test_a_pair_that_is_no_match_names_the_map_that_is():
    # Map 1 is most like map 0 of the other, which is map 0's partner.
    values = np.array([[0.95, 0.1], [0.8, 0.3], [0.2, 0.2]])
    found = LayerMatches(("a", "b"), match_maps(values), np.zeros(3))
    assert found.matches.pairs[:2].tolist() == [0, 1]
    assert [judged(found, unit) for unit in (0, 1)] == ["correlation 0.95", "correlation 0.30, map 0 has 0.80"]
    assert judged(LayerMatches(("a", "b"), match_maps(values[:, ::-1] / 2), np.zeros(3)), 1) == "correlation 0.15, no match"


def test_two_models_by_one_call(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 40, 56, 3), np.uint8)
    figure = match(net(), net(seed=1, filters=8), images, "second", "first", maps=2)
    assert list(figure.pictures) == ["match", "match_second~first"]
    figure.save(tmp_path)
    assert json.loads((tmp_path / "match.json").read_text())["layers"][0]["layers"] == ["second", "first"]
    with pytest.raises(ValueError, match="no layer 'third'"):
        match(net(), net(), images, "third")
    model = net()
    with pytest.raises(ValueError, match="one model in memory"):
        match(model, model, images, "first")
