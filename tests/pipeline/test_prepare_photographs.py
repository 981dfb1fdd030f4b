import numpy as np
import pytest
from PIL import Image

from zfnet.pipeline.prepare_photographs import prepare_photographs


@pytest.fixture
def photographs(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number in range(5):
            Image.fromarray(np.full((20, 30, 3), 40 * number, np.uint8)).save(tmp_path / "photographs" / name / f"{number}.png")
        (tmp_path / "photographs" / name / "broken.jpg").write_bytes(b"no picture")
    return str(tmp_path / "photographs")


@pytest.mark.parametrize("err", [False, True])
def test_one_split_and_what_cannot_be_read_is_left_out(photographs, tmp_path, capsys, err):
    directory = tmp_path / "work" / "examples"
    directory.mkdir(parents=True)
    (directory / "of-before").touch()
    found = [prepare_photographs(photographs, directory, tmp_path, 14, split, err=err) for split in ("validation", "train")][-1]
    manifest = found.read_json("manifest.json")
    assert (list(manifest["splits"]), found.image_size, found.side) == (["train"], 14, 16)
    assert not (directory / "of-before").exists()
    said = capsys.readouterr()
    assert f"{photographs}: preparing photographs\n" in said[err]
    assert "can't be read and will be left out" in said[err]
    assert not said[not err]
