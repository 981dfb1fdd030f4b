import json
import shutil

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from zfnet.pipeline.commands.evolution import command


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Three moments of one net: `a.keras` looks for red, `b.keras` for green, `c.keras` has another number of maps."""
    home = tmp_path_factory.mktemp("evolution_command")
    for name, colours in {"a": [[1, 0, 0]], "b": [[0, 1, 0]], "c": [[0, 0, 1], [1, 0, 0]]}.items():
        layer = keras.layers.Conv2D(len(colours), 3, activation="relu", name="conv1")
        net = keras.Sequential([keras.Input((28, 28, 3)), layer, keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(2)])
        kernel = np.zeros((3, 3, 3, len(colours)))
        kernel[1, 1] = np.array(colours).T
        layer.set_weights([kernel, np.zeros(len(colours))])
        net.save(home / f"{name}.keras")
    return home


@pytest.fixture
def evolution(home, tmp_path, monkeypatch):
    monkeypatch.chdir(home)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "out"), "--verbose"])

    return run


def test_of_files_in_the_order_of_a_training(evolution, tmp_path, folder):
    done = evolution("a.keras", "b.keras", "--data", str(folder))
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["evolution.json", "evolution_conv1.png"]
    numbers = json.loads((tmp_path / "out/evolution.json").read_text())
    assert numbers["columns"] == ["a", "b"]
    # The folder has photographs that are red, green and blue.
    red, green = (each["example"] for each in numbers["layers"]["conv1"]["maps"]["0"])
    assert "red" in red
    assert "green" in green


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a.keras"], 2, "a.keras is one state of a training: give several model files"),
        (["a.keras", "c.keras"], 1, "Layer 'conv1' has 1 maps in a and 2 in c"),
        (["a.keras", "b.keras", "--map", "conv1/1"], 1, "no map conv1/1: the layer has 1"),
        (["a.keras", "missing.keras"], 1, "There is no model file missing.keras"),
    ],
)
def test_failures_are_told_in_one_line_and_leave_nothing(evolution, tmp_path, arguments, code, message):
    done = evolution(*arguments)
    assert done.exit_code == code
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_run_without_checkpoints_is_told_how_to_keep_them(evolution, home, tmp_path):
    model = tmp_path / "root/trainer/1/model"
    model.mkdir(parents=True)
    shutil.copyfile(home / "a.keras", model / "model.keras")
    (model / "history.json").write_text(json.dumps([{"loss": 1.0}] * 3))
    (tmp_path / "root/run.json").write_text(json.dumps({"artifacts": {"model": "trainer/1/model/model.keras"}}))
    done = evolution(str(tmp_path / "root"))
    assert done.exit_code == 1
    assert "has no checkpoint from before the end of its training. `zfnet run --keep-checkpoints`" in done.stderr.splitlines()[-1]
