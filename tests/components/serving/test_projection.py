import numpy as np
import pytest

from zfnet.components.pictures.signed import signed_to_rgb
from zfnet.components.serving.projection import signed_picture

RNG = np.random.default_rng(0)
SPARSE = np.zeros((30, 40, 3), "float32")
SPARSE[3, 4] = 2, -1, 0.5


@pytest.mark.parametrize("projection", [RNG.normal(size=(30, 40, 3)).astype("float32"), SPARSE, np.zeros((30, 40, 3), "float32")])
def test_as_numpy_draws_it(projection):
    drawn = signed_picture(projection).numpy().astype(int)
    assert np.abs(drawn - signed_to_rgb(projection[None])[0]).max() <= 1
    assert drawn.dtype == int
