import pytest

from zfnet.components.evaluation.threshold import Threshold

EVALUATION = {
    "top1_error": 0.2,
    "top1_error_ten_crop": None,
    "examples": 40,
    "classes": [
        {"class": "cat", "examples": 30, "top1_error": 0.1},
        {"class": "a<b [x]", "examples": 10, "top1_error": 0.5},
        {"class": "empty", "examples": 0, "top1_error": None},
    ],
}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("top1_error<0.21", None),
        ("top1_error < 2e-1", "top1_error is 0.2, expected top1_error<0.2"),
        ("top1_error<=0.2", None),
        ("examples>=41", "examples is 40"),
        ("top1_error[cat]<0.2", None),
        ("top1_error[a<b [x]]<0.5", "top1_error of a<b [x] is 0.5"),
        ("top1_error[*]<0.4", "top1_error of a<b [x] is 0.5, expected top1_error[*]<0.4"),
        ("top1_error[*]<0.05", "top1_error of a<b [x] is 0.5, expected top1_error[*]<0.05 (2 classes do not meet it)"),
        ("top1_error[*]<0.6", None),
        ("top1_error[empty]<1", "top1_error of empty was not measured"),
        ("top1_error_ten_crop<1", "top1_error_ten_crop was not measured"),
    ],
)
def test_thresholds(text, reason):
    found = Threshold.parse(text).check(EVALUATION)
    assert (found is None) if reason is None else found.startswith(reason)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("top1_error", "expected a threshold such as"),
        ("top1_error<", "expected a threshold such as"),
        ("top1_error=0.2", "expected a threshold such as"),
        ("top1_error<1e", "expected a threshold such as"),
        ("top1_error<20", "from 0 to 1"),
        ("top1_error<-0.1", "from 0 to 1"),
        ("loss<0.2", "there is no number 'loss'; there are top1_error"),
        ("structured[cat]>0.2", "no number 'structured' of a class"),
        ("top1_error[]<0.2", "expected a threshold such as"),
    ],
)
def test_wrong_expressions(text, message):
    with pytest.raises(ValueError, match=r"^'") as raised:
        Threshold.parse(text)
    assert message in str(raised.value)


def test_class_that_is_not_there():
    with pytest.raises(ValueError, match="there is no class 'dog' in the data; there are cat, "):
        Threshold.parse("top1_error[dog]<0.2").check(EVALUATION)


def test_nan_meets_nothing():
    assert Threshold.parse("top1_error<1").check({"top1_error": float("nan")})
