import pytest

from zfnet.components.data.held_out import hold_out, split_files


def test_a_fifth_is_held_out_and_the_choice_is_stable():
    ids = [f"cat/{number}.jpg" for number in range(2000)]
    chosen = hold_out(ids)
    assert 340 < len(chosen) < 460
    assert hold_out(ids[::-1]) == chosen
    assert hold_out(ids[:1000]) == chosen & set(ids[:1000])  # whom others leave or join stays where it was


@pytest.mark.parametrize(("number", "least", "most"), [(0, 0, 0), (1, 0, 0), (2, 1, 1), (3, 1, 2), (4, 1, 3)])
def test_small_classes_are_in_both_splits(number, least, most):
    for name in "abcdefgh":
        assert least <= len(hold_out(f"{name}/{index}" for index in range(number))) <= most


def test_files_go_to_their_splits():
    files = {f"cat/{number}": number for number in range(50)}
    parts = dict(split_files("", files))
    assert {f"cat/{number}" for number in parts["validation"]} == hold_out(files)
    assert sorted(parts["train"] + parts["validation"]) == list(range(50))
    assert dict(split_files("validation", files)) == {"validation": list(range(50))}
    assert dict(split_files("", {"cat/1": 1})) == {"train": [1]}
