import json
import re

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.example_gen import generate_examples
from zfnet.pipeline.commands.explore import command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`photographs/`, `net.keras`, and `root/` as a run of two epochs leaves it, with the filters of both ends."""
    home = tmp_path_factory.mktemp("explore_command")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (home / "photographs" / name).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 256, (60, 50 + number, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(home / "photographs" / name / f"{number}.png")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((28, 28, 3)),
            layers.Conv2D(5, 5, strides=2, activation="relu", name="conv1"),
            layers.Flatten(),
            layers.Dense(2, name="classes"),
        ]
    )
    net.save(home / "net.keras")
    model, examples = home / "root/trainer/2/model", Examples(home / "root/example_gen/1/examples")
    evolution = home / "root/trainer/checkpoints-1234/evolution"
    for each in (model, evolution):
        each.mkdir(parents=True)
    net.save(model / "model.keras")
    (model / "labels.txt").write_text("cat\ndog\n")
    (model / "history.json").write_text("[{}, {}]")
    weights = net.get_layer("conv1").get_weights()
    np.savez(evolution / "filters-0000.npz", *(weight + 1 for weight in weights))
    np.savez(evolution / "filters-0002.npz", *weights)
    source = open_source(str(home / "photographs"), home)
    generate_examples(examples, source=source, image_size=28, num_shards=1, max_rejected=1, runner="FnApiRunner", beam_options=())
    artifacts = {"model": "trainer/2/model/model.keras", "examples": "example_gen/1/examples"}
    (home / "root/run.json").write_text(json.dumps({"artifacts": artifacts}))
    return home


@pytest.fixture
def explore(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "new" / "maps.html"), "--verbose"])

    return run


def _index(page) -> dict:
    return json.loads(re.search(r'id="index">(.*?)</script>', page.read_text())[1])


def test_run_with_its_moments(explore, tmp_path):
    done = explore("root")
    assert done.exit_code == 0, done.output
    page = tmp_path / "new" / "maps.html"
    assert re.search(rf"{page}  0\.\d MB\n$", done.output)
    assert [path.name for path in page.parent.iterdir()] == ["maps.html"]
    index = _index(page)
    assert [layer["name"] for layer in index["layers"]] == ["conv1", "classes"]
    assert index["moments"] == ["untrained", "epoch 2"]
    assert index["layers"][1]["names"] == index["classes"] == ["cat", "dog"]
    assert index["about"]["model"] == "root"
    assert index["folder"] is None


def test_model_file_on_other_data_with_a_folder(explore, tmp_path):
    done = explore("net.keras", "--data", "photographs", "--layer", "classes", "--layer", "conv1", "--layer", "classes", "--folder")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["maps.html", "maps_files"]
    index = _index(tmp_path / "new" / "maps.html")
    assert [layer["name"] for layer in index["layers"]] == ["classes", "conv1"]
    assert (index["moments"], index["folder"]) == ([], "maps_files")
    assert (tmp_path / "new" / "maps_files" / "layer-1.js").exists()


def test_run_whose_filters_are_gone(explore, folder, tmp_path):
    (folder / "root/trainer/checkpoints-1234").rename(folder / "elsewhere")
    try:
        done = explore("root", "--layer", "conv1")
    finally:
        (folder / "elsewhere").rename(folder / "root/trainer/checkpoints-1234")
    assert done.exit_code == 0, done.output
    assert "root: no filters of earlier epochs were found; the page has no slider" in done.output
    assert _index(tmp_path / "new" / "maps.html")["moments"] == []


def test_layer_that_is_not_there(explore, tmp_path):
    done = explore("net.keras", "--data", "photographs", "--layer", "conv7")
    assert done.exit_code == 1
    assert "conv7" in done.output
    assert "conv1" in done.output
    assert not (tmp_path / "new" / "maps.html").exists()


def test_page_inside_of_the_photographs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(command, ["net.keras", "--data", "photographs", "--out", "photographs/cat/maps.html"])
    assert done.exit_code == 1
    assert "lies inside of DATA photographs" in done.output
