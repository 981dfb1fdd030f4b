import ast

import apache_beam as beam
import pytest

from zfnet.components.data.beam.pipeline import open_pipeline
from zfnet.components.data.photograph_progress import PROGRESS
from zfnet.components.data.sources.shard_plan import hold_out, plan_shards, shard_numbers, split_files


@pytest.mark.parametrize(
    ("train", "validation", "num_shards", "expected"),
    [
        (4500, 900, None, (4, 1)),
        (10, 2, None, (1, 1)),
        (1_281_167, 50_000, None, (1281, 50)),
        (1000, 200, 10, (10, 2)),
        (1000, 1, 7, (7, 1)),
        (3, 1, 10, (3, 1)),
        (0, 5, 4, (1, 5)),
    ],
)
def test_numbers_of_shards(train, validation, num_shards, expected):
    numbers = shard_numbers({"train": train, "validation": validation}, num_shards)
    assert (numbers["train"], numbers["validation"]) == expected


def planned(files, num_shards, outcome):
    with open_pipeline("FnApiRunner") as pipeline:
        shards = plan_shards(pipeline | beam.Create(files), num_shards)
        _ = shards | beam.combiners.ToList() | beam.Map(lambda listed: outcome.write_text(repr(listed)))
    return dict(ast.literal_eval(outcome.read_text()))


def test_every_file_has_one_place_whatever_the_order(tmp_path):
    files = [("train", [(f"class/{number}", 0, b"path"), (f"other/{number}", 1, b"path")]) for number in range(20)]
    files.append(("validation", [("class/x", 0, b"path")]))
    with PROGRESS.shown():
        found = planned(files, 3, tmp_path / "outcome")
    assert PROGRESS.expected == 41
    assert sorted(found) == [("train", 0, 3), ("train", 1, 3), ("train", 2, 3), ("validation", 0, 1)]
    assert sorted(file for shard in found.values() for file in shard) == sorted(file for _, part in files for file in part)
    assert found == planned(files[::-1], 3, tmp_path / "again")
    train = [file for index in range(3) for file in found["train", index, 3]]
    assert train == planned(files, 1, tmp_path / "one")["train", 0, 1]  # one order, cut in as many parts as wanted


def test_shards_without_files_are_planned_too(tmp_path):
    files = [("train", [("a", 0, b"a"), ("b", 0, b"b"), ("c", 0, b"c")])]
    found = planned(files, 3, tmp_path / "outcome")
    assert sorted(found) == [("train", 0, 3), ("train", 1, 3), ("train", 2, 3), ("validation", 0, 1)]
    assert sum(map(len, found.values())) == 3


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
