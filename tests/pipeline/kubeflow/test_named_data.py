import pytest
from PIL import Image

from zfnet.pipeline.kubeflow.named_data import NamedData


def test_data_is_opened_only_when_asked(tmp_path):
    data = NamedData(str(tmp_path / "photographs"))
    assert str(data) == str(tmp_path / "photographs")
    for name in ("cat", "dog"):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (8, 8)).save(tmp_path / "photographs" / name / f"{number}.png")
    assert data.open(tmp_path).labels == ["cat", "dog"]


def test_photographs_that_were_not_opened_have_no_fingerprint():
    with pytest.raises(ValueError, match="birds was not opened here"):
        NamedData("birds").fingerprint()
