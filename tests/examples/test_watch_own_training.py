import json

import numpy as np
import pytest
from PIL import Image


@pytest.mark.filterwarnings("ignore:.*shuffle=True:UserWarning")
def test_a_folder_of_photographs(example, folder, tmp_path, capsys):
    example("watch_own_training").main([str(folder), "--log-dir", str(tmp_path / "log"), "--epochs", "3", "--side", "64"])
    output = capsys.readouterr().out
    pictures = [tmp_path / "log" / f"evolution_{layer}.png" for layer in ("first", "second", "third")]
    assert output.splitlines()[-1] == f"The sheets: {', '.join(map(str, pictures))}"
    numbers = json.loads((tmp_path / "log" / "evolution.json").read_text())
    assert numbers["columns"] == ["untrained", "epoch 1", "epoch 2", "epoch 3"]
    for path in pictures:
        assert np.asarray(Image.open(path)).std() > 10
    assert list((tmp_path / "log").glob("events*"))
