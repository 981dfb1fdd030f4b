import re

import keras
import numpy as np
from click.testing import CliRunner
from PIL import Image

# Of a block of nine tiles, in pixels; and what lies around blocks and above them.
BLOCK, TILE, MARGIN, HEADING = 292, 98, 12, 18


def run(script, *arguments) -> str:
    result = CliRunner().invoke(script.main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_net_that_is_trained_here(example, tmp_path):
    script = example("own_model")
    output = run(script, "--epochs", 4, "--out", tmp_path / "pictures")
    accuracies = [float(number) for number in re.findall(r"val_accuracy: ([\d.]+)", output)]
    assert len(accuracies) == 4
    assert accuracies[-1] > 0.8
    pictures = [tmp_path / "pictures" / name for name in ("middle.png", "late.png")]
    assert output.splitlines()[-2:] == list(map(str, pictures))
    for picture in map(np.asarray, map(Image.open, pictures)):
        assert picture.shape == (MARGIN + 2 * (HEADING + BLOCK + MARGIN), MARGIN + 3 * (2 * BLOCK + 4 + MARGIN), 3)
        top = MARGIN + HEADING
        projection, patch = (picture[top : top + TILE - 2, start : start + TILE - 2] for start in (MARGIN, MARGIN + BLOCK + 4))
        # What a deconvnet leaves out is grey, and neither is without anything.
        assert np.isin(projection, (127, 128, 129)).mean() > 0.05
        assert projection.std() > 5
        assert patch.std() > 20


def test_a_model_and_photographs_of_ones_own(example, folder, tmp_path):
    red_or_blue = keras.layers.Conv2D(2, 1, activation="relu", use_bias=False, name="colour")
    net = keras.Sequential([keras.Input((64, 64, 3)), red_or_blue, keras.layers.GlobalAveragePooling2D()])
    red_or_blue.set_weights([np.array([[1, -1], [0, 0], [-1, 1]], np.float32)[None, None]])
    net.save(tmp_path / "model.keras")
    output = run(
        example("own_model"),
        *("--model", tmp_path / "model.keras", "--photographs", folder, "--preprocessing", "unit", "--layer", "colour"),
        *("--out", tmp_path),
    )
    assert output.splitlines()[-1] == str(tmp_path / "colour.png")
    picture = np.asarray(Image.open(tmp_path / "colour.png")).astype(int)
    for number, (strong, weak) in enumerate([(0, 2), (2, 0)]):
        top, left = MARGIN + HEADING, MARGIN + number * (2 * BLOCK + 4 + MARGIN)
        for start in (left, left + BLOCK + 4):
            assert (picture[top + 20 : top + 70, start + 20 : start + 70] @ np.eye(3)[[strong, weak]].T @ [1, -1]).mean() > 100


def test_a_model_needs_photographs(example, folder):
    result = CliRunner().invoke(example("own_model").main, ["--photographs", str(folder)])
    assert result.exit_code == 2
    assert "--model, --photographs and --layer belong together." in result.output
