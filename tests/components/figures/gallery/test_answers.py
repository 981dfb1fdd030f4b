import numpy as np

from zfnet.components.figures.gallery.answers import answer_words, raised_words
from zfnet.model.measures.class_answers import AnswerCounts


def test_headings_name_the_classes_that_a_map_answers_to():
    answers = class_answers_of(np.array([[1.0, 0], [2, 0], [3, 1], [4, 0]]), [0, 0, 1, 1])
    assert answer_words(answers, 0, ["cat", "cup"]) == ": cup 1.00"
    assert answer_words(answers, 1, ["cat", "cup"]) == ""  # 0.75 and 0.25.
    assert answer_words(None, 0, []) == ""


def class_answers_of(values, labels):
    counts = AnswerCounts(labels)
    counts.seen("layer", values, np.arange(len(values)))
    return counts.answers("layer")


def test_headings_name_the_class_that_a_map_raises():
    assert raised_words([{"predicted": name} for name in ("cup", "cat", "cup")]) == ": raises cup in 2 of 3"
    assert raised_words([]) == ""
