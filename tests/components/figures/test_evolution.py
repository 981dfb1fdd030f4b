import json

import numpy as np
from PIL import Image

from zfnet.components.figures.evolution import MARGIN, TILE, draw_evolution, evolution_numbers, write_evolution
from zfnet.components.figures.evolution_column import EvolutionColumn


def column(colour, examples, positions=((1, 2), (3, 4))):
    """Of two maps, whose projections are of one colour, and whose patches are white."""
    pictures = np.full((2, 5, 7, 3), colour, np.uint8)
    return EvolutionColumn(
        maps=np.array([3, 8]),
        activations=np.array([1.5, 2.5], np.float32),
        examples=np.array(examples),
        positions=np.array(positions),
        corners=np.array([[1, 0], [2, 3]]),
        scales=np.array([0.5, 0.25]),
        projections=pictures,
        patches=np.full((2, 5, 7, 3), 255, np.uint8),
        strongest=np.zeros(10, int),
    )


def test_a_row_a_map_a_column_a_moment_and_the_last_patches():
    columns = {"early": {"conv": column((200, 0, 0), [0, 1])}, "late": {"conv": column((0, 0, 200), [0, 2])}}
    picture = draw_evolution(columns)["conv"]
    assert picture.shape[0] > 2 * TILE
    assert picture.shape[1] > MARGIN + 3 * TILE
    red, blue = (np.argwhere((picture == colour).all(axis=2)) for colour in ((200, 0, 0), (0, 0, 200)))
    assert len(red) == len(blue) > 1.2 * TILE**2
    assert red[:, 1].max() < blue[:, 1].min()
    np.testing.assert_array_equal(red[:, 0], blue[:, 0])


def test_numbers_tell_when_another_image_became_the_strongest(tmp_path):
    columns = {"early": {"a/b": column((200, 0, 0), [0, 1])}, "late": {"a/b": column((0, 0, 200), [0, 2])}}
    numbers = evolution_numbers(columns, ["cat", "dog", "cow"])
    assert numbers["columns"] == ["early", "late"]
    maps = numbers["layers"]["a/b"]["maps"]
    assert [[each["example"] for each in maps[number]] for number in ("3", "8")] == [["cat", "cat"], ["dog", "cow"]]
    assert maps["8"][1] == {"column": "late", "activation": 2.5, "example": "cow", "position": [3, 4], "corner": [2, 3], "scale": 0.25}
    assert numbers["layers"]["a/b"]["window"] == [5, 7]
    pictures = draw_evolution(columns)
    write_evolution(pictures, numbers, tmp_path)
    (name,) = numbers["pictures"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), pictures["a/b"])
    assert json.loads((tmp_path / "evolution.json").read_text()) == numbers


def test_of_no_moments_nothing_is_drawn():
    assert draw_evolution({}) == {}
    assert evolution_numbers({}, []) == {"pictures": [], "columns": [], "layers": {}}
