import numpy as np
import pytest

from zfnet.components.figures.mistakes.calibration import draw_calibration


def blue(picture):
    """Rows and columns of the points and bars of the curve."""
    return np.argwhere((abs(picture.astype(int) - (0x1F, 0x4E, 0x79)) < 20).all(axis=2))


def test_intervals_are_wilsons():
    found = draw_calibration([{"examples": 40, "confidence": 0.95, "accuracy": 0.75}], 0.2).numbers["calibration"][0]
    z, count, share = 1.959964, 40, 0.75
    middle = (share + z**2 / 2 / count) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / 4 / count**2)
    assert found["interval"] == pytest.approx([middle - half, middle + half])
    assert (found["examples"], found["accuracy"]) == (40, 0.75)


def test_a_net_that_is_too_sure_is_drawn_below_the_line():
    heights = {}
    for accuracy in (0.2, 0.9):
        curve = [{"examples": 5000, "confidence": confidence, "accuracy": accuracy} for confidence in (0.75, 0.9)]
        figure = draw_calibration(curve, 0.5)
        assert figure.pictures["calibration"].shape == (480, 1200, 3)
        # The line between the two points, without the legend below.
        heights[accuracy] = np.median(blue(figure.pictures["calibration"][:, 440:510])[:, 0])
    assert heights[0.2] > heights[0.9] + 200


def test_equal_probabilities_are_drawn_in_their_own_bin():
    # The mean of six times 0.2 is a little less than 0.2, the beginning of the fourth bin.
    mean = sum([0.2] * 6) / 6
    assert mean < 0.2
    both = [draw_calibration([{"examples": 6, "confidence": each, "accuracy": 0.5}], 0.3).pictures["calibration"] for each in (mean, 0.21)]
    right = [picture[:, 600:] for picture in both]
    assert np.array_equal(*right)


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_bins_that_are_always_right_or_wrong(accuracy):
    figure = draw_calibration([{"examples": 1, "confidence": 1.0, "accuracy": accuracy}], 1 - accuracy)
    low, high = figure.numbers["calibration"][0]["interval"]
    assert low <= accuracy <= high
    assert len(blue(figure.pictures["calibration"]))
