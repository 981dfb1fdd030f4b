import pathlib
from collections.abc import Callable, Sequence

import pytest

from zfnet.components.artifacts import Examples, Input, Output, Setting
from zfnet.pipeline.kubeflow.compile_pipeline import choices, left_open, needs_root, shared_choices
from zfnet.pipeline.kubeflow.task import NamedData
from zfnet.pipeline.orchestration.step import Step


def prepare(
    examples: Output[Examples],
    *,
    source: str,
    size: int,
    share: float | None,
    flips: bool = True,
    options: Setting[tuple[str, ...]] = (),
    words: Setting[Sequence[str]] = (),
    follow: Setting[Callable[[], None] | None] = None,
) -> None:
    """Prepares.

    Args:
        examples: where to.
        size: side of an image,
            in pixels.
    """


def count(examples: Input[Examples], *, size: int, place: pathlib.Path | None = None) -> None: ...


def given(step: Step) -> dict[str, tuple]:
    return {name: (choice.type, choice.value) for name, choice in choices(step).items()}


def test_choices_are_values_that_were_given():
    step = Step("Prepare", prepare, {"source": "birds", "size": 96, "share": 0.5, "options": ("--a", "--b"), "words": ["c"]})
    assert given(step) == {
        "source": (str, "birds"),
        "size": (int, 96),
        "share": (float, 0.5),
        "options": (list, ["--a", "--b"]),
        "words": (list, ["c"]),
    }
    assert choices(step)["size"].description == "side of an image, in pixels."
    assert (left_open(step), needs_root(step)) == ([], False)


def test_what_is_left_open_or_worked_out_by_the_task_is_no_choice():
    step = Step("Prepare", prepare, {"source": "birds", "size": 96, "share": None, "follow": lambda plan: None})
    assert set(given(step)) == {"source", "size"}
    assert (left_open(step), needs_root(step)) == (["share"], True)


def test_photographs_are_chosen_by_name():
    step = Step("Prepare", prepare, {"source": NamedData("birds"), "size": 96, "share": None})
    assert given(step)["source"] == (str, "birds")
    assert shared_choices([step]) == {"Prepare": {"source": "data", "size": "size"}}
    assert needs_root(step)


@pytest.mark.parametrize(("size", "names"), [(96, ["size", "size"]), (64, ["prepare_size", "count_again_size"])])
def test_equal_choices_are_shared(size, names):
    first = Step("Prepare", prepare, {"source": "birds", "size": 96, "share": None})
    second = Step("CountAgain", count, {"examples": first.output("examples"), "size": size})
    assert shared_choices([first, second]) == {"Prepare": {"source": "source", "size": names[0]}, "CountAgain": {"size": names[1]}}


def test_value_that_kubeflow_does_not_pass_on():
    first = Step("Prepare", prepare, {"source": "birds", "size": 96, "share": None})
    step = Step("Count", count, {"examples": first.output("examples"), "size": 1, "place": "here"})
    with pytest.raises(ValueError, match=r"Step Count, argument 'place': .*Path.* can't be passed"):
        choices(step)
