import markdown
import pytest

from zfnet.components.figures.mistakes.table import calibration_sentence, errors_markdown, worst_first


def entry(name, error=0.5):
    return {"class": name, "examples": 4, "top1_error": error, "top5_error": 0.25, "mistaken_for": []}


def test_classes_without_examples_have_no_place():
    empty = {"class": "none", "examples": 0, "top1_error": None, "top5_error": None, "mistaken_for": []}
    assert [each["class"] for each in worst_first([entry("a", 0.25), empty, entry("b"), entry("c")])] == ["b", "c", "a"]


@pytest.mark.parametrize(("confidence", "words"), [(0.5, "not sure enough"), (0.805, "as sure as it should be"), (0.95, "too sure")])
def test_sure_or_not(confidence, words):
    bins = [{"examples": 1, "confidence": 0.1, "accuracy": 0.1}, {"examples": 999, "confidence": confidence, "accuracy": 0.8}]
    assert f"The net is {words}:" in calibration_sentence({"expected_calibration_error": 0.25, "calibration": bins})


def test_old_evaluations_say_nothing():
    assert calibration_sentence({"top1_error": 0.5}) is None
    assert errors_markdown({"top1_error": 0.5}) is None


def test_names_of_classes_are_text():
    page = markdown.markdown(errors_markdown({"classes": [entry("<b>|_x_"), entry("y")]}), extensions=["tables"])
    assert "<td>&lt;b&gt;|_x_</td>" in page


def test_top5_error_of_six_classes_and_the_worst_hundred():
    lines = errors_markdown({"classes": [entry(f"c{number}", number / 200) for number in range(120)]}).splitlines()
    assert lines[0] == "| class | examples | top-1 error | top-5 error | most frequent wrong answers |"
    assert lines[2] == "| c119 | 4 | 59.5 % | 25.0 % |  |"
    assert len([line for line in lines if line.startswith("| c")]) == 101
    assert lines[-1] == "The 100 classes with the highest error, of 120."


def test_slices_are_a_table_of_their_own():
    slices = [{"value": value, "examples": 4, "top1_error": 0.5, "top5_error": 0.0} for value in ("a|b", "", None)]
    lines = errors_markdown({"classes": [entry("a"), entry("b")], "slice_by": "camera", "slices": slices}).splitlines()
    assert lines[4:] == [
        "",
        "| camera | examples | top-1 error |",
        "| --- | --- | --- |",
        "| a\\|b | 4 | 50.0 % |",
        "| \\(empty\\) | 4 | 50.0 % |",
        "| \\(all others\\) | 4 | 50.0 % |",
    ]
