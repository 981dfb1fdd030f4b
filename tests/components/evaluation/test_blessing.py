import itertools
import re

import numpy as np
import pytest

from zfnet.components.evaluation.blessing import bless
from zfnet.components.evaluation.threshold import Threshold

TEN_CLASSES = [10] * 10


def errors(top1, top5=0.0):
    return {"top1_error": top1, "top5_error": top5}


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
        # More names than five, but five of them among the examples: five guesses hit all that there is, and the top-1 error decides.
        (errors(0.0), [10, 10, 10, 10, 10, 0], None, True),
        (errors(0.79), [0, 10, 10, 0, 10, 10, 10, 0], None, True),
        (errors(0.80), [10, 10, 10, 10, 10, 0], None, False),
        (errors(0.26, 0.0), [0] * 998 + [15, 5], None, False),
        (errors(0.2, 0.2), [10, 10, 10, 10, 10, 0], errors(0.1, 0.3), False),
        (errors(0.9, 0.01), [20, 20, 20, 20, 18, 2, 0], None, True),  # chance: 2 of 100
    ],
)
def test_rule(found, counts, baseline, blessed):
    assert bless(found, counts, baseline and baseline | {"version": 1})[0] is blessed


def test_commonest_classes_are_what_constant_answers_get_right():
    # Six classes: five of them cover 98 of 100 examples.
    blessed, reason = bless(errors(0.5, 0.02), [40, 30, 20, 5, 3, 2], None)
    assert not blessed
    assert "0.0200 is not below 0.0200, the error of always predicting the 5 most frequent classes" in reason


def test_reason_names_the_model_pushed_last():
    assert "above 0.2000, the error of the last pushed model" in bless(errors(0.1, 0.3), TEN_CLASSES, errors(0.1, 0.2) | {"version": 1})[1]


def anew(**also):
    return errors(0.1, 0.2) | {"version": 4, "not_compared": None, "evaluated_anew": True, "scaled_to": None, "trained_on": 0} | also


@pytest.mark.parametrize(
    ("baseline", "described"),
    [
        (anew(), "0.2000, the error of the last pushed model, version 4, evaluated anew on these examples"),
        (anew(trained_on=3), "version 4, evaluated anew on these examples (that model was trained on 3 of these examples)"),
        (anew(trained_on=None), "on these examples (it is not known how many of these examples that model was trained on)"),
        (anew(scaled_to=64), "on these examples (the examples were scaled to the 64 pixels that the model takes)"),
    ],
)
def test_reason_tells_how_the_pushed_model_was_evaluated(baseline, described):
    for error, blessed in ((0.2, True), (0.3, False)):
        found, reason = bless(errors(0.1, error), TEN_CLASSES, baseline)
        assert found is blessed
        assert reason.endswith(described)


def test_reason_tells_why_there_is_no_comparison():
    baseline = {"version": 4, "not_compared": "Other classes.", "evaluated_anew": False} | errors(None, None)
    blessed, reason = bless(errors(0.1, 0.3), TEN_CLASSES, baseline)
    assert blessed
    assert reason.endswith("most frequent classes, not compared with the last pushed model, version 4 (Other classes)")


@pytest.mark.parametrize(
    ("baseline", "compared"),
    [
        (anew(), "; the top-5 error is not above 0.2000, the error of the last pushed model, version 4, evaluated anew on these examples"),
        (anew(top5_error=0.05), "; top-5 error 0.1000 is above 0.0500, the error of .*, version 4, evaluated anew on these examples"),
        (errors(None, None) | {"version": 4, "not_compared": "Other classes."}, "; not compared with .*, version 4 \\(Other classes\\)"),
    ],
)
def test_comparison_is_told_beside_other_reasons(baseline, compared):
    guessing = [90, 2, 2, 2, 2, 2]  # classes of which one more than five guesses has 2 %
    blessed, reason = bless(errors(0.1, 0.1), guessing, baseline)
    assert not blessed
    assert re.fullmatch(
        f"top-5 error 0.1000 is not below 0.0200, the error of always predicting the 5 most frequent classes{compared}", reason
    )


def test_thresholds_are_named():
    thresholds = [Threshold.parse(text) for text in ("top1_error<0.5", "top5_error<=0.1")]
    assert bless(errors(0.4, 0.1), TEN_CLASSES, None, thresholds)[1].endswith(", and meets top1_error<0.5, top5_error<=0.1")
    assert bless(errors(0.5, 0.2), TEN_CLASSES, None, thresholds) == (
        False,
        "top1_error is 0.5, expected top1_error<0.5; top5_error is 0.2, expected top5_error<=0.1",
    )
    # All reasons together, so that a user knows them at once.
    reason = bless(errors(0.5, 0.6), TEN_CLASSES, None, thresholds[:1])[1]
    assert "0.6000 is not below 0.5000" in reason
    assert reason.endswith("; top1_error is 0.5, expected top1_error<0.5")


@pytest.mark.parametrize("counts", [[0, 7, 0], [3], [0, 0, 0, 0, 0, 0, 9], [0, 0]])
def test_examples_of_one_class_bless_nothing_and_say_so(counts):
    blessed, reason = bless(errors(0.0), counts, None)
    assert not blessed
    assert "of fewer than two classes" in reason


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_the_error_of_the_best_constant_answer(seed):
    random = np.random.default_rng(seed)
    counts = [*random.integers(0, 4, random.integers(2, 12)).tolist(), 1, 2]
    guesses = 5 if np.count_nonzero(counts) > 5 else 1
    labels = np.repeat(np.arange(len(counts)), counts)
    constants = itertools.combinations(range(len(counts)), guesses)
    chance = min(np.mean(~np.isin(labels, constant)) for constant in constants)
    wrong = round(chance * len(labels))
    assert not bless(dict.fromkeys(("top1_error", "top5_error"), wrong / len(labels)), counts, None)[0]
    assert bless(dict.fromkeys(("top1_error", "top5_error"), (wrong - 1) / len(labels)), counts, None)[0]
