import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.pipeline.commands.match import command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`photographs/`, and two nets that take images of other sizes: `one.keras` and `two.keras`."""
    home, random = tmp_path_factory.mktemp("match_command"), np.random.default_rng(0)
    for name in ("cat", "dog"):
        (home / "photographs" / name).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(random.integers(0, 256, (60, 60, 3)).astype(np.uint8)).save(home / "photographs" / name / f"{number}.png")
    for name, size in (("one", 28), ("two", 36)):
        keras.utils.set_random_seed(size)
        layers = [
            keras.layers.Conv2D(5, 5, strides=2, activation="relu", name="conv1"),
            keras.layers.Conv2D(4, 3, activation="relu", name="conv2"),
        ]
        keras.Sequential([keras.Input((size, size, 3)), *layers]).save(home / f"{name}.keras")
    return home


@pytest.fixture
def match(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    return lambda *arguments: CliRunner().invoke(
        command, [*arguments, "--data", "photographs", "--out", str(tmp_path / "out"), "--verbose"]
    )


def test_all_layers_at_their_own_sizes(match, tmp_path):
    done = match("one.keras", "two.keras", "--maps", "3")
    assert done.exit_code == 0, done.output
    numbers = json.loads((tmp_path / "out/match.json").read_text())
    assert [each["layers"] for each in numbers["layers"]] == [["conv1", "conv1"], ["conv2", "conv2"]]
    assert [each["height"] for each in numbers["models"]] == [28, 36]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["match.json", *sorted(numbers["pictures"])]
    assert "conv1: " in done.stdout
    assert "maps have a match (correlation above 0." in done.stdout


def test_named_layers(match, tmp_path):
    done = match("one.keras", "one.keras", "--layer", "conv2", "--other-layer", "conv1")
    assert done.exit_code == 0, done.output
    numbers = json.loads((tmp_path / "out/match.json").read_text())
    assert numbers["pictures"] == ["match.png", "match_conv2~conv1.png"]
    assert [each["name"] for each in numbers["models"]] == ["one.keras (1)", "one.keras (2)"]
    done = match("one.keras", "one.keras", "--layer", "conv1")
    assert done.stdout.splitlines()[2].startswith("conv1: ")
    assert all(
        each["correlation"] in (1, None) for each in json.loads((tmp_path / "out/match.json").read_text())["layers"][0]["maps"].values()
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["one.keras", "two.keras", "--layer", "conv9"], 1, "no layer 'conv9'"),
        (["one.keras", "two.keras", "--other-layer", "conv1"], 2, "given 1 times and --layer 0 times"),
        (["one.keras", "two.keras", "--other-epoch", "2"], 2, "one state of a training"),
        (["one.keras"], 2, "takes 2 values"),
    ],
)
def test_wrong_use(match, tmp_path, arguments, code, message):
    done = match(*arguments)
    assert (done.exit_code, message in done.stderr) == (code, True), done.output
    assert not (tmp_path / "out").exists()
