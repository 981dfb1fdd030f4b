import pytest

from zfnet.pipeline.duration import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (83.12, "83.1 s"),
        (100, "1 min 40 s"),
        (725, "12 min 05 s"),
        (3599.9, "1 h 00 min"),
        (5 * 3600 + 200, "5 h 03 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
