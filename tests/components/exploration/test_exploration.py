import base64
import io
import json
import re
import zlib

import keras
import numpy as np
import pytest
from PIL import Image

from zfnet.components.exploration import exploration, pictures
from zfnet.components.exploration.exploration import explored_layers, write_exploration
from zfnet.components.figures.gallery import example_search
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.images import ImageSet
from zfnet.model import Deconvnet
from zfnet.model.measures.projection_check import check_projection
from zfnet.model.measures.shuffled_weights import check_layers

LAYERS = ["conv1", "conv2", "classes"]


def _part(page, name: str) -> str:
    return re.search(f'<script type="[a-z/]*" id="{name}">(.*?)</script>', page.read_text(), re.DOTALL)[1]


def _numbers(page, name: str):
    folder = page.with_name(f"{page.stem}_files")
    if folder.exists() and name != "index":
        return json.loads((folder / f"{name}.js").read_text().removeprefix(f'receive("{name}", ').removesuffix(");\n"))
    return json.loads(_part(page, name))


def _picture(page, name: str) -> np.ndarray:
    folder = page.with_name(f"{page.stem}_files")
    encoded = (folder / f"{name}.webp").read_bytes() if folder.exists() else base64.b64decode(_part(page, name))
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


def test_every_unit_with_its_examples(page, explored):
    index, found = _numbers(page, "index"), explored.strongest(LAYERS)
    assert [(each["name"], each["units"], each["kind"]) for each in index["layers"]] == [
        ("conv1", 6, "map"),
        ("conv2", 4, "map"),
        ("classes", 3, "unit"),
    ]
    assert index["layers"][2]["names"] == index["classes"]
    assert 2 in index["layers"][0]["dead"]
    ids, labels = explored.images.origins.ids, explored.images.origins.labels
    for number, layer in enumerate(LAYERS):
        numbers = _numbers(page, f"layer-{number}")
        for unit, images in enumerate(numbers["examples"]):
            ranks = explored.different(layer, unit)
            examples = found[layer].examples[unit, ranks]
            assert [index["images"]["names"][image] for image in images] == [ids[example] for example in examples]
            assert [index["images"]["classes"][image] for image in images] == labels[examples].tolist()
            np.testing.assert_allclose(numbers["values"][unit], found[layer].values[unit, ranks], rtol=1e-3)
        answers = explored.answers(layer)
        for label, units in enumerate(numbers["answering"]):
            aucs = [auc for _, auc, _ in units]
            assert aucs == sorted(aucs, reverse=True)
            np.testing.assert_allclose(aucs, answers.auc[[unit for unit, _, _ in units], label], atol=1e-3)


def test_tiles_are_the_projections_and_patches_of_the_search(page, explored):
    found, index = explored.strongest(["conv1"]), _numbers(page, "index")
    units, ranks = np.array([0, 0, 5]), np.array([explored.different("conv1", unit)[rank] for unit, rank in ((0, 0), (0, 1), (5, 0))])
    drawn = {(each.unit, each.rank): each for each in explored.project(found, {"conv1": (units, ranks)})}
    nine, patch = _picture(page, "nine-0-0"), _picture(page, "patch-0-0")
    assert index["layers"][0]["tile"] == [5, 5]
    for unit, place, rank in ((0, 0, ranks[0]), (0, 1, ranks[1]), (5, 0, ranks[2])):
        window = slice(5 * unit, 5 * unit + 5), slice(5 * place, 5 * place + 5)
        np.testing.assert_array_equal(nine[window], drawn[unit, rank].projection)  # Tiles as small as these are exact.
        np.testing.assert_array_equal(patch[window], drawn[unit, rank].patch)
        corner = _numbers(page, "layer-0")["corners"][unit][place]
        assert corner == list(drawn[unit, rank].corner)


def test_moments_and_curves(page, explored):
    index, numbers = _numbers(page, "index"), _numbers(page, "layer-1")
    assert index["moments"] == ["untrained", "epoch 2", "epoch 5"]
    assert [each["grows"] for each in index["layers"]] == [True, True, False]
    top = explored.strongest(["conv2"])["conv2"].values[:, 0]
    np.testing.assert_allclose([values[-1] for values in numbers["activations"]], top, rtol=1e-3)
    assert all(alike[-1] == pytest.approx(1, abs=1e-3) for alike in numbers["alike"])
    first, second, _ = np.mean(numbers["alike"], axis=0)
    assert first < second - 0.1  # More noise, less alike.
    assert "activations" not in _numbers(page, "layer-2")
    assert _picture(page, "moment-0-1-0").shape == _picture(page, "projection-1-0").shape


def test_checks_are_those_of_each_strongest_projection(page, explored):
    images = np.concatenate([batch for batch, _ in explored.images.batches("", None)])
    mean = images.mean(axis=(0, 1, 2))
    for number, layer in enumerate(LAYERS[:2]):
        found, numbers = explored.strongest([layer])[layer], _numbers(page, f"layer-{number}")
        living = [unit for unit in range(len(found.values)) if unit not in _numbers(page, "index")["layers"][number]["dead"]]
        shown, places = images[found.examples[living, 0]], found.positions[living, 0]
        expected = check_projection(explored.deconvnet, shown, layer, living, places, fill=mean, draws=1)
        np.testing.assert_allclose([numbers["falls"][unit] for unit in living], np.transpose(expected), atol=0.006)
        likeness = check_layers(explored.deconvnet, shown, layer, living, places).below[-1]
        np.testing.assert_allclose(numbers["shuffled"], likeness[:2], atol=0.006)
    assert _numbers(page, "layer-0")["falls"][2] is None  # It is never positive.


def test_activations_of_photographs(page, explored):
    index = _numbers(page, "index")
    names = [index["images"]["names"][image] for image in index["photographs"]]
    numbers = [explored.images.origins.ids.index(name) for name in names]
    assert len(numbers) == 5
    images = np.concatenate([batch for batch, _ in explored.images.batches("", None)])[numbers]
    maps = np.asarray(explored.deconvnet.activations(images, ["conv2"])[0])
    top = explored.strongest(["conv2"])["conv2"].values[:, 0]
    for row in range(5):
        layer = _numbers(page, f"photograph-{row}")[1]
        shares = np.frombuffer(zlib.decompress(base64.b64decode(layer["shares"])), np.uint8).reshape(layer["grid"])
        np.testing.assert_allclose(shares, np.clip(maps[row] / top, 0, 1) * 255, atol=0.51)
        assert len(layer["units"]) == len(layer["corners"])


def test_the_same_in_many_passes_as_in_one(explored, examples, page, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MEMORY", 1)
    monkeypatch.setattr(exploration, "MOST_IMAGES", 0)
    folder = page.with_name(f"{page.stem}_files").exists()
    write_exploration(explored, tmp_path / "other.html", LAYERS, model="net", labels=examples.labels, folder=folder, photographs=2)
    for name in ("nine-0-0", "nine-1-0", "patch-0-0", "projection-2-0"):
        np.testing.assert_array_equal(_picture(tmp_path / "other.html", name), _picture(page, name))
    assert _numbers(tmp_path / "other.html", "index")["moments"] == []
    assert _numbers(tmp_path / "other.html", "layer-1").keys() & {"activations", "alike"} == set()


def test_a_net_that_is_never_positive(explored, tmp_path):
    found = explored.strongest(["conv1"])["conv1"]
    kept = found.values.copy()
    found.values[:] = 0
    try:
        with pytest.raises(ValueError, match=r"No unit of conv1 is ever positive over .*: there is nothing to show\."):
            write_exploration(explored, tmp_path / "page.html", ["conv1"], model="net")
    finally:
        found.values[:] = kept
    assert list(tmp_path.iterdir()) == []


def test_layers_by_default(explored):
    assert explored_layers(explored) == LAYERS


def test_layers_that_are_neither_maps_nor_dense(examples, tmp_path):
    layers = keras.layers
    net = keras.Sequential([keras.Input((56, 56, 3)), layers.Conv2D(3, 8, strides=8), layers.Reshape((49, 3), name="tokens")])
    search = ExampleSearch(Deconvnet(net), ImageSet.of_examples(net, examples))
    with pytest.raises(ValueError, match=r"Layer 'tokens' has an output of the shape \(49, 3\); expected maps"):
        write_exploration(search, tmp_path / "page.html", ["tokens"], model="net")
    assert list(tmp_path.iterdir()) == []


def test_a_page_without_the_classes_that_units_answer_to(explored_net, examples, tmp_path, monkeypatch):
    monkeypatch.setattr(example_search, "MOST_ANSWERS", 12)  # of conv1 are 18 pairs of a unit and a class, of conv2 12
    search = ExampleSearch(explored_net, ImageSet.of_examples(explored_net.model, examples))
    page = tmp_path / "page.html"
    write_exploration(search, page, LAYERS[:2], model="net")
    first, second = (_numbers(page, f"layer-{number}") for number in range(2))
    assert first["answering"] == []
    assert first["classes"] == [[]] * 6
    assert len(second["answering"]) == 3
