import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image


def run(script, *arguments) -> list[list[str]]:
    result = CliRunner().invoke(script.main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.output.splitlines()]


def test_a_net_that_is_trained_here(example, tmp_path):
    lines = run(example("what_changed"), "--epochs", 6, "--patches", 8, "--out", tmp_path / "picture.png")
    rows = {words[0]: words[1:] for words in lines if words[0].startswith("conv")}
    assert list(rows) == ["conv1", "conv2", "conv3", "conv4", "conv5"]
    for moved, *correlations in rows.values():
        assert 0 < float(moved.removesuffix("%")) < 1000
        lowest, median, highest = map(float, correlations)
        assert -1 <= lowest <= median <= highest <= 1
        assert highest > 0.5
    picture = np.asarray(Image.open(tmp_path / "picture.png"))
    # Two columns of pairs of 128 pixels for each net, a row for each layer.
    assert picture.shape == (40 + 12 + 5 * (18 + 128 + 12), 2 * (24 + 2 * 270 - 12), 3)
    before, after = np.split(picture[40:], 2, axis=1)
    assert not np.array_equal(before, after)


@pytest.fixture
def net(tmp_path):
    """Saves a net of three filters over single pixels, which look at red, green and blue; returns how."""

    def save(name: str, *weights: list[float]) -> str:
        layers = [keras.layers.Conv2D(3, 1, activation="relu", use_bias=False, name="colour"), keras.layers.GlobalAveragePooling2D()]
        model = keras.Sequential([keras.Input((48, 48, 3)), *layers])
        layers[0].set_weights([np.array(weights, np.float32).T[None, None]])
        model.save(tmp_path / name)
        return str(tmp_path / name)

    return save


def test_maps_that_are_exchanged_are_told_from_one_that_stays(example, net, folder, tmp_path):
    before = net("before.keras", [1, 0, 0], [0, 1, 0], [0, 0, 1])
    after = net("after.keras", [0, 0, 1], [0, 2, 0], [1, 0, 0])
    lines = run(example("what_changed"), "--before", before, "--after", after, "--photographs", folder, "--out", tmp_path / "picture.png")
    (moved, lowest, _, highest) = next(words[1:] for words in lines if words[0] == "colour")
    # Differences of 1, -1, 1, -1 and 1, against weights of length sqrt(3).
    assert moved == f"{np.sqrt(5 / 3):.1%}"
    assert float(lowest) < 0
    # Twice as strong is the same map.
    assert highest == "1.00"
    picture = np.asarray(Image.open(tmp_path / "picture.png")).astype(int)
    before, after = np.split(picture, 2, axis=1)
    # Whichever of the two is drawn first: what was red is blue, or the other way about.
    patches = [half[40 + 12 + 18 + 64, 12 + 130 + 64] for half in (before, after)]
    assert sorted("red" if patch[0] > patch[2] else "blue" for patch in patches) == ["blue", "red"]


def test_nets_that_are_not_the_same_are_refused(example, net, folder, tmp_path):
    other = keras.Sequential([keras.Input((48, 48, 3)), keras.layers.Conv2D(4, 1, name="colour")])
    other.save(tmp_path / "other.keras")
    arguments = ["--before", net("before.keras", [1, 0, 0], [0, 1, 0], [0, 0, 1]), "--after", str(tmp_path / "other.keras")]
    result = CliRunner().invoke(example("what_changed").main, [*arguments, "--photographs", str(folder)])
    assert result.exit_code == 1
    assert "expected one net at several moments" in result.output
