import numpy as np
import pytest

from zfnet.components.data.batches import central_crops
from zfnet.components.figures.mistakes.mistaken import SHOWN, draw_mistakes


@pytest.fixture(scope="module")
def search(gratings_net, search_of):
    return search_of(gratings_net())


def mistake(search, number, predicted):
    origins = search.images.origins
    names = {"id": origins.ids[number], "class": search.images.labels[origins.labels[number]], "predicted": predicted}
    return names | {"probability": 0.75, "probability_of_class": 0.125}


def test_what_is_projected_are_the_two_logits(search, examples):
    wrong = mistake(search, 4, "blue")
    wrong["class"] = "red"
    figure = draw_mistakes(search, [wrong])
    (found,) = figure.numbers["mistakes"]
    [(squares, _, _)] = central_crops(examples, "validation", size=56, batch_size=1, numbers={4}).as_numpy_iterator()
    image = squares[:, 8:48]
    model = search.deconvnet.model
    maps = image
    for layer in model.layers[:-1]:
        maps = layer(maps)
    kernel, bias = model.layers[-1].get_weights()
    logits = (maps.numpy() @ kernel + bias)[0]
    labels = search.images.labels
    assert found["logit"] == pytest.approx(logits[labels.index("blue")], rel=1e-4)
    assert found["logit_of_class"] == pytest.approx(logits[labels.index("red")], rel=1e-4)
    units = [labels.index("blue"), labels.index("red")]
    both = [search.deconvnet.project(image, "classes", unit) for unit in units]
    assert found["scale"] == pytest.approx(max(np.quantile(abs(each), 0.998) for each in both), rel=1e-3)
    picture = figure.pictures["mistakes"]
    # The photograph and the two projections, without the margins of images that are not square: the weaker is nearer to grey.
    tiles = [picture[110:220, left + 10 : left + 180].astype(int) for left in (12, 216, 420)]
    contrast = [abs(tile - 128).mean() for tile in tiles[1:]]
    assert (contrast[0] > contrast[1]) == (abs(both[0]).sum() > abs(both[1]).sum())
    assert abs(tiles[0].mean() - image.mean()) < 20


def test_the_first_twelve_are_drawn(search):
    figure = draw_mistakes(search, [mistake(search, number, "red") for number in range(15)])
    assert [each["id"] for each in figure.numbers["mistakes"]] == search.images.origins.ids[:SHOWN]
    assert figure.numbers["pictures"] == [f"{name}.png" for name in figure.pictures]


def test_pieces_of_one_photograph_that_overlap_are_drawn_once(search):
    origins = search.images.origins
    again = origins._replace(photographs=[origins.photographs[0]] * 2 + origins.photographs[2:], boxes=origins.boxes.copy())
    again.boxes[1] = again.boxes[0] + 1
    twice = type(search)(search.deconvnet, type(search.images)(**{**vars(search.images), "origins": again}))
    found = draw_mistakes(twice, [mistake(search, number, "red") for number in range(3)]).numbers["mistakes"]
    assert [each["id"] for each in found] == [origins.ids[0], origins.ids[2]]


def test_of_other_examples(search):
    with pytest.raises(ValueError, match="There is no example 'cat/1'; expected the examples that were evaluated"):
        draw_mistakes(search, [mistake(search, 0, "red") | {"id": "cat/1"}])
    with pytest.raises(ValueError, match="There is no class 'cat'; expected the classes"):
        draw_mistakes(search, [mistake(search, 0, "cat")])
