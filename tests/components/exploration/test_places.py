import collections

import numpy as np

from zfnet.components.exploration import places
from zfnet.components.exploration.places import PARTS, chosen_photographs, unit_places
from zfnet.model.deconvnet.receptive_field import receptive_field


def test_activations_at_every_place_are_shares_of_the_strongest(explored):
    numbers = [3, 0, 7]
    found, _ = unit_places(explored, ["conv2", "classes"], numbers)
    images = np.concatenate([batch for batch, _ in explored.images.batches("", None)])[numbers]
    maps = np.asarray(explored.deconvnet.activations(images, ["conv2"])[0])
    strongest = explored.strongest(["conv2"])["conv2"].values[:, 0]
    expected = maps / np.where(strongest > 0, strongest, np.inf)
    np.testing.assert_allclose(found["conv2"].shares, np.clip(expected, 0, 1) * 255, atol=0.51)
    assert found["conv2"].field == receptive_field(explored.deconvnet, "conv2")
    assert found["classes"].shares.shape == (3, 1, 1, 3)
    assert found["classes"].field is None


def test_fine_maps_are_joined_and_so_are_their_windows(explored, monkeypatch):
    monkeypatch.setattr(places, "MOST_PLACES", 5)
    found, _ = unit_places(explored, ["conv1"], [0])
    images = np.concatenate([batch for batch, _ in explored.images.batches("", {0})])
    maps = np.asarray(explored.deconvnet.activations(images, ["conv1"])[0])[0]  # 26 rows, by 6.
    top = explored.strongest(["conv1"])["conv1"].values[:, 0]
    shares = np.clip(maps / np.where(top > 0, top, np.inf), 0, 1) * 255
    assert found["conv1"].shares.shape == (1, 5, 5, 6)
    for row in range(5):
        for column in range(5):
            window = shares[6 * row : 6 * row + 6, 6 * column : 6 * column + 6].max(axis=(0, 1))
            np.testing.assert_allclose(found["conv1"].shares[0, row, column], window, atol=0.51)
    assert (found["conv1"].field.size, found["conv1"].field.stride) == ((15, 15), (12, 12))


def test_projected_activations_are_the_strongest_of_all_and_of_their_part(explored, monkeypatch):
    numbers = [4, 1]
    monkeypatch.setattr(places, "ALL_OVER", 2)
    _, here = unit_places(explored, ["conv1"], numbers)
    found = here["conv1"]
    images = np.concatenate([batch for batch, _ in explored.images.batches("", None)])
    parts: dict = collections.defaultdict(list)
    for unit, rank in zip(found.units.tolist(), found.ranks.tolist(), strict=True):
        number, position = int(found.strongest.examples[unit, rank]), found.strongest.positions[unit, rank]
        assert number in numbers
        maps = np.asarray(explored.deconvnet.activations(images[number : number + 1], ["conv1"])[0])[0]
        np.testing.assert_allclose(maps[..., unit].max(), found.strongest.values[unit, rank], rtol=1e-5)
        assert tuple(np.unravel_index(maps[..., unit].argmax(), maps.shape[:2])) == tuple(position)
        parts[number, *(position * PARTS // 26)].append(unit)
    top = explored.strongest(["conv1"])["conv1"].values[:, 0]
    for number in numbers:
        highest = np.asarray(explored.deconvnet.activations(images[number : number + 1], ["conv1"])[0])[0].reshape(-1, 6)
        shares = highest.max(axis=0) / np.where(top > 0, top, np.inf)
        places_of = np.stack(np.unravel_index(highest.argmax(axis=0), (26, 26)), axis=1) * PARTS // 26
        strongest = set(np.argsort(-shares)[:2].tolist())
        for part in {tuple(place) for place in places_of.tolist()}:
            inside = [unit for unit in range(6) if tuple(places_of[unit]) == part]
            strongest.add(max(inside, key=lambda unit: shares[unit]))
        chosen = {unit for (of, *_), units in parts.items() if of == number for unit in units}
        assert chosen == {unit for unit in strongest if shares[unit] > 0}


def test_photographs_come_from_all_classes(explored):
    labels = explored.images.origins.labels
    chosen = chosen_photographs(explored, ["conv1", "conv2"], 6)
    assert len(set(chosen)) == 6
    assert collections.Counter(labels[chosen].tolist()) == {0: 2, 1: 2, 2: 2}
    assert len(chosen_photographs(explored, ["conv1"], 10_000)) <= len(labels)
