import pathlib
import re

import keras
import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_opens_with_the_two_commands():
    assert README.split("```")[1].split() == ["make", "run", "make", "test"]


def test_python_example_runs(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(code.strip().splitlines()) <= 5
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(8, 5, 4, activation="relu", name="block3_conv3"), keras.layers.MaxPooling2D(), keras.layers.Flatten()]
    keras.Sequential([keras.Input((224, 224, 3)), *layers]).save(tmp_path / "model.keras")
    (tmp_path / "photographs").mkdir()
    for number, name in enumerate(["dog", *range(8)]):
        picture = np.random.default_rng(number).integers(0, 255, (30, 20, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "photographs" / f"{name}.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    for name in ("gallery", "projection", "occlusion"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 600


def test_what_it_links_to_is_there():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("https://arxiv.org/") or (ROOT / link).is_file(), link
