import pytest

from zfnet.components.evaluation.blessing import bless


def errors(top1, top5=0.0):
    return {"top1_error": top1, "top5_error": top5}


TEN_CLASSES = [10] * 10


@pytest.mark.parametrize(
    ("found", "counts", "baseline", "blessed"),
    [
        (errors(0.9, 0.49), TEN_CLASSES, None, True),
        (errors(0.1, 0.5), TEN_CLASSES, None, False),  # what five of ten classes give, exactly
        (errors(0.24, 0.0), [5, 15], None, True),
        (errors(0.25, 0.0), [5, 15], None, False),  # with two classes the top-1 error decides
        (errors(0.9, 0.2), TEN_CLASSES, errors(0.1, 0.2), True),  # equal is good enough
        (errors(0.1, 0.21), TEN_CLASSES, errors(0.9, 0.2), False),
        (errors(float("nan"), float("nan")), TEN_CLASSES, None, False),
    ],
)
def test_rule(found, counts, baseline, blessed):
    assert bless(found, counts, baseline)[0] is blessed


def test_commonest_classes_are_what_constant_answers_get_right():
    # Six classes: five of them cover 98 of 100 examples.
    blessed, reason = bless(errors(0.5, 0.02), [40, 30, 20, 5, 3, 2], None)
    assert not blessed
    assert "0.0200 is not below 0.0200, what always answering the 5 commonest classes gives" in reason


def test_reason_names_the_model_pushed_last():
    assert "above 0.2000, that of the model pushed last" in bless(errors(0.1, 0.3), TEN_CLASSES, errors(0.1, 0.2))[1]
