import pathlib

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torchvision")
BENCHMARKS = pathlib.Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.mark.parametrize("way", ["pillow", "decode_image"])
def test_crops_are_normalised_and_in_batches(tmp_path, monkeypatch, way):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from peers import input_in_torch as peer

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(4):
            Image.new("RGB", (64, 64), (255, 255, 255)).save(tmp_path / name / f"{number}.jpg")
    images = peer.open_folders(str(tmp_path), 56)[way]
    image, label = images[0]
    assert (tuple(image.shape), label) == ((3, 56, 56), 0)
    np.testing.assert_allclose(image[:, 0, 0], (1 - np.array(peer.MEAN)) / np.array(peer.STD), rtol=1e-4)
    assert peer.time_batches(images, 4, 1, 1, 3) > 0
