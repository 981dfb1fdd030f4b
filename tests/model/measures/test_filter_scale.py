import numpy as np
import pytest

from zfnet.model import clip_filter_rms
from zfnet.model.measures.filter_scale import at_clip, filter_rms


def test_rms_by_hand():
    kernel = np.zeros((2, 1, 2, 2))
    kernel[:, :, :, 0], kernel[0, 0, 0, 1] = [[[1, -1]], [[5, 3]]], 4
    np.testing.assert_allclose(filter_rms(kernel), [3, 2])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_was_clipped_is_at_the_clip_and_nothing_else(dtype):
    scale = np.array([0.2, 0.9, 0.99, 1.0, 1.5, 30.0])
    kernel = np.random.default_rng(0).normal(size=(7, 7, 3, 6))
    kernel *= 0.05 * scale / filter_rms(kernel)
    clipped = np.asarray(clip_filter_rms(kernel.astype("float32"), 0.05)).astype(dtype)
    assert at_clip(filter_rms(clipped), 0.05).tolist() == [False, False, False, True, True, True]


def test_a_smaller_radius_than_the_one_it_was_trained_with():
    assert at_clip(np.array([0.02, 0.05, 0.07]), 0.04).tolist() == [False, True, True]


def test_wrong_input():
    with pytest.raises(ValueError, match=r"shape \(3, 3\); expected"):
        filter_rms(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="radius is 0; it must be greater"):
        at_clip(np.ones(2), 0)
