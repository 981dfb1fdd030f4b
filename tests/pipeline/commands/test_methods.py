import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.model.methods.maximization import STEPS
from zfnet.pipeline.commands.methods import command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small net and a photograph."""
    root = tmp_path_factory.mktemp("methods")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    keras.Sequential(
        [keras.Input((32, 32, 3)), layers.Conv2D(4, 5, activation="relu", name="conv1"), layers.Flatten(), layers.Dense(3, name="classes")]
    ).save(root / "net.keras")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 50, 3)).astype(np.uint8)).save(root / "cat.png")
    return root


@pytest.fixture
def methods(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)

    def run(*arguments: str):
        return CliRunner().invoke(command, ["net.keras", "cat.png", *arguments, "--out", str(tmp_path / "new/out.png"), "--verbose"])

    return run


def test_a_strip_and_its_numbers(methods, tmp_path):
    done = methods("--layer", "conv1", "--unit", "2", "--steps", "8")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "net.keras: preprocessing raw, images of 32 x 32 pixels"
    assert [line.split(":")[0] for line in lines[1:4]] == ["deconvnet", "gradient", "guided backpropagation"]
    assert lines[4].startswith("activation ")
    assert lines[5:] == [str(tmp_path / "new/out.png")]
    # Six tiles: the photograph, the patch, and four methods.
    assert np.asarray(Image.open(tmp_path / "new/out.png")).shape[1] // 226 == 6


def test_the_default_of_the_option_is_that_of_the_function():
    (option,) = (each for each in command.params if each.name == "steps")
    assert option.default == STEPS


def test_failures(methods, tmp_path):
    done = methods("--layer", "conv9")
    assert done.exit_code == 1
    assert "no layer 'conv9' to look at" in done.stderr
    assert methods().exit_code == 2
    assert methods("--layer", "conv1", "--unit", "4", "--steps", "1").exit_code == 1
    assert not list(tmp_path.glob("new/*"))
