"""The Python of docs/serving.md, as it stands there."""

import pathlib
import re

import numpy as np
from PIL import Image

from zfnet.components.serving.export import export

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "serving.md"


def test_code_runs(model, tmp_path, monkeypatch, capsys):
    export(model, side=64, path=tmp_path / "zfnet_run" / "serving" / "1")
    (tmp_path / "photographs").mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 255, (70, 80, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photographs" / f"{number}.png")
    (tmp_path / "photographs" / "no_photograph.jpg").write_bytes(b"no photograph")
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(compile(code, "serving.md", "exec"), names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    labels = (model.path / "labels.txt").read_text().split()
    assert sum(any(re.fullmatch(rf"{label} \d+%", line) for label in labels) for line in lines) == 2
    assert sum("not an image that can be read" in line for line in lines) == 1
    with Image.open(tmp_path / "saw.png") as saw:
        assert saw.size == (56, 56)
