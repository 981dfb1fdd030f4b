import numpy as np
import pytest

from zfnet.components.pictures.filter_grid import filter_grid


def test_each_filter_fills_its_own_scale():
    kernel = np.zeros((7, 7, 3, 6), "float32")
    kernel[0, 0, 0, 1], kernel[0, 0, 1, 4] = 0.001, -10
    picture = filter_grid(kernel, 56)
    assert picture.shape == (2 * 56 + 2, 3 * 56 + 4, 3)
    assert picture[4, 58 + 4].tolist() == [255, 128, 128]
    assert picture[58 + 4, 58 + 4].tolist() == [128, 0, 128]
    assert picture[30, 30].tolist() == [128, 128, 128]


def test_filters_over_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 3, 48, 8\); expected"):
        filter_grid(np.zeros((3, 3, 48, 8)))
