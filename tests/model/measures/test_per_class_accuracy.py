import numpy as np
import pytest

from zfnet.model.measures.per_class_accuracy import per_class_accuracy


def test_of_an_unbalanced_set_by_hand():
    labels, answers = np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1, 0, 0])
    found = per_class_accuracy(labels, answers, 3)
    np.testing.assert_array_equal(found, [3 / 4, 1 / 2, 0])
    assert found.mean() == pytest.approx(5 / 12)
    assert np.mean(labels == answers) == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    ("labels", "answers", "message"),
    [([0, 2], [0, 2], "Class 1 has no image"), ([0, 1, 2], [0, 1], "one answer a label"), ([0, 1, 3], [0, 1, 2], "expected 0 to 2")],
)
def test_what_has_no_accuracy_is_refused(labels, answers, message):
    with pytest.raises(ValueError, match=message):
        per_class_accuracy(np.array(labels), np.array(answers), 3)
