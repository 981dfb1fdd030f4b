import keras
import numpy as np
import pytest

from zfnet.components.figures.evolution.column import chosen_maps, evolution_column, same_places
from zfnet.components.figures.evolution.draw import different_maps
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model import Deconvnet, strongest_activations

SIZE = 10, 14


def net(weights):
    """A map for each of `weights`: its share of red, green and blue."""
    layer = keras.layers.Conv2D(len(weights), 1, activation="relu", name="colours")
    model = keras.Sequential([keras.Input((*SIZE, 3)), layer, keras.layers.GlobalMaxPooling2D(name="pool")])
    layer.set_weights([np.array(weights, np.float32).T[None, None], np.zeros(len(weights))])
    return Deconvnet(model)


@pytest.fixture
def images():
    """Grey ones; the second has a red point, the third a blue one."""
    images = np.full((3, *SIZE, 3), 100.0, np.float32)
    images[1, 4, 9], images[2, 7, 2] = (250, 0, 0), (0, 0, 200)
    return images


def batches(images, seen=None):
    def give(numbers):
        if seen is not None:
            seen.append(numbers)
        rows = np.arange(len(images)) if numbers is None else np.array(sorted(numbers))
        return [(images[rows], rows)]

    return give


def test_the_strongest_places_are_those_that_were_planted(images):
    seen = []
    column = evolution_column(net(np.eye(3)), batches(images, seen), {"colours": [0, 2], "pool": [2]}, ImageInput(*SIZE, False))
    found = column["colours"]
    assert found.maps.tolist() == [0, 2]
    assert found.examples.tolist() == [1, 2]
    assert found.positions.tolist() == found.corners.tolist() == [[4, 9], [7, 2]]
    assert found.activations.tolist() == [250, 200]
    assert found.strongest.tolist() == [1, 0, 2]
    np.testing.assert_array_equal(found.patches[:, 0, 0], [[250, 0, 0], [0, 0, 200]])
    # Red is drawn brightest in a projection of red alone.
    np.testing.assert_array_equal(found.projections[:, 0, 0], [[255, 128, 128], [128, 128, 255]])
    assert column["pool"].positions.shape == (1, 0)
    assert seen == [None, {1, 2}]


def test_patches_are_changed_to_rgb(images):
    def to_rgb(part):
        return part._replace(patches=part.patches * 255)

    column = evolution_column(net(np.eye(3)), batches(images / 255), {"colours": [0]}, ImageInput(*SIZE, False), to_rgb)
    np.testing.assert_array_equal(column["colours"].patches[0, 0, 0], [250, 0, 0])


def test_an_earlier_search_is_projected(images):
    deconvnet, seen = net(np.eye(3)), []
    strongest = strongest_activations(deconvnet, batches(images)(None), ["pool", "colours"], k=1)
    column = evolution_column(deconvnet, batches(images, seen), {"colours": [2]}, ImageInput(*SIZE, False), strongest=strongest)
    assert seen == [{2}]
    assert list(column) == ["colours"]
    assert column["colours"].examples.tolist() == [2]
    assert column["colours"].strongest.tolist() == [1, 0, 2]


def test_numbers_that_are_none_are_refused(images):
    with pytest.raises(ValueError, match="The projection of unit 0 of layer 'colours' is not finite"):
        evolution_column(net(np.full((3, 3), np.nan)), batches(images), {"colours": [0]}, ImageInput(*SIZE, False))


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="There are no images to search"):
        evolution_column(net(np.eye(3)), lambda numbers: [], {"pool": [0]}, ImageInput(*SIZE, False))


def test_the_same_maps_for_the_same_seed():
    assert chosen_maps(50, 6, 0).tolist() == sorted(set(chosen_maps(50, 6, 0).tolist()))
    assert chosen_maps(50, 6, 0).tolist() != chosen_maps(50, 6, 1).tolist()
    assert chosen_maps(3, 6, 0).tolist() == [0, 1, 2]


def test_at_the_places_of_the_end_a_map_answers_what_it_did_then(images):
    image_input = ImageInput(*SIZE, False)
    late, early = net(np.eye(3)), net([[0.5, 0, 0], [0, 1, 0], [0, 1, 0]])
    end = evolution_column(late, batches(images), {"colours": [2, 0], "pool": [2]}, image_input)
    seen = []
    then = same_places(early, batches(images, seen), end, image_input)
    assert seen[0] == {1, 2}
    # The last map looked for green then: the blue point has none, and the grey around it is not looked at. The pool sees all.
    assert then["colours"].activations.tolist() == [0, 125]
    np.testing.assert_array_equal(then["colours"].projections[:, 0, 0], [[128, 128, 128], [255, 128, 128]])
    assert then["pool"].activations.tolist() == [100]
    now = same_places(late, batches(images), end, image_input)
    for layer, column in end.items():
        np.testing.assert_array_equal(now[layer].activations, column.activations)
        np.testing.assert_array_equal(now[layer].projections, column.projections)
        np.testing.assert_array_equal(now[layer].scales, column.scales)


def test_a_model_of_channels_first_is_looked_at_at_the_same_places(images):
    layer = keras.layers.Conv2D(3, 1, activation="relu", data_format="channels_first", name="colours")
    first = Deconvnet(keras.Sequential([keras.Input((3, *SIZE)), layer]))
    layer.set_weights([np.eye(3, dtype=np.float32)[None, None], np.zeros(3)])
    end = evolution_column(net(np.eye(3)), batches(images), {"colours": [0, 2]}, ImageInput(*SIZE, False))
    found = same_places(first, batches(images.transpose(0, 3, 1, 2)), end, ImageInput(*SIZE, True))["colours"]
    assert found.activations.tolist() == [250, 200]
    np.testing.assert_array_equal(found.projections, end["colours"].projections)


def test_maps_that_live_come_first_then_other_photographs_then_other_projections(images):
    weights = [[0, 0, 1], [0.9, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [0.8, 0.6, 0]]
    column = evolution_column(net(weights), batches(images), {"colours": list(range(6))}, ImageInput(*SIZE, False))["colours"]
    # Of the blue image 0; of the red one 1, 2 and 5, of which 2 looks like 1; 3 is dead; of the grey one 4.
    assert column.examples.tolist() == [2, 1, 1, 0, 0, 1]
    one_each = ["grey", "red", "blue"]
    assert [different_maps(column, one_each, count).tolist() for count in (1, 3, 4, 5, 6, 9)] == [
        [0],
        [0, 1, 4],
        [0, 1, 4, 5],
        [0, 1, 2, 4, 5],
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
    ]
    # All from one photograph: what looks different.
    assert different_maps(column, ["wall"] * 3, 3).tolist() == [0, 1, 4]
