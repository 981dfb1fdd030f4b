import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.pipeline.commands.occlude import command


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """`net.keras` with `labels.txt` beside it, and `image.png`."""
    home = tmp_path_factory.mktemp("occlude_command")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((24, 32, 3)),
            layers.Conv2D(4, 5, activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    net.save(home / "net.keras")
    (home / "labels.txt").write_text("cat\ndog\nbird\n")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)).save(home / "image.png")
    return home


@pytest.fixture
def occlude(home, tmp_path, monkeypatch):
    monkeypatch.chdir(home)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "out"), "--verbose"])

    return run


def test_of_a_file_alone(occlude, tmp_path):
    done = occlude("net.keras", "image.png", "--label", "dog", "--square", "8", "--stride", "6", "--preprocessing", "unit")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "net.keras: preprocessing unit, images of 24 x 32 pixels"
    assert lines[1] == "No --data: projections of other images are left out."
    assert "P(dog), the given label" in lines[3]
    numbers = json.loads((tmp_path / "out/occlude.json").read_text())
    assert (numbers["image"], numbers["layer"], numbers["square"]) == ("image.png", "conv1", 8)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["occlude.json", "occlusion.png"]


def test_of_photographs_that_are_named(occlude, tmp_path, folder):
    done = occlude("net.keras", "image.png", "--data", str(folder), "--stride", "12")
    assert done.exit_code == 0, done.output
    assert "the class predicted" in done.stdout
    assert json.loads((tmp_path / "out/occlude.json").read_text())["projections_of_examples"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.keras", "image.png", "--label", "dgo"], "no class 'dgo'. Did you mean dog?"),
        (["net.keras", "image.png", "--label", "3"], "no class '3'; expected"),
        (["net.keras", "image.png", "--square", "25"], "expected a side of 1 to 24"),
        (["net.keras", "image.png", "--layer", "conv"], "no layer 'conv' to look at. Did you mean conv1?"),
        (["net.keras", "missing.png"], "The image missing.png can't be read"),
        (["net.keras", "labels.txt"], "The image labels.txt can't be read"),
        (["missing.keras", "image.png"], "There is no model file missing.keras"),
    ],
)
def test_failures_are_told_in_one_line_and_leave_nothing(occlude, tmp_path, arguments, message):
    done = occlude(*arguments)
    assert done.exit_code == 1
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())
