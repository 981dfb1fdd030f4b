import json

import pytest

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.evaluation.class_order import check_same_examples, class_order
from zfnet.components.example_gen import generate_examples


def test_places_by_name():
    assert class_order("net", ["a", "b", "c"], ["c", "a", "b"]) == [2, 0, 1]


def test_the_same_order_needs_no_different_names():
    assert class_order("net", ["crane", "crane"], ["crane", "crane"]) == [0, 1]


@pytest.mark.parametrize(
    ("known", "wanted", "message"),
    [
        (["a", "b"], ["a", "c"], r"There is a class that net does not know: 'c'\. Expected the same classes, in any order"),
        (["a", "b", "c"], ["b", "a"], "There is a class that the data, unlike net, does not have: 'c'"),
        (["a"], ["z", "y", "x", "w", "a"], r"There are 4 classes that net does not know: 'z', 'y', 'x', \.\.\."),
        (["crane", "a", "crane"], ["crane", "crane", "a"], "'crane' is the name of several classes"),
        (["crane", "a"], ["a", "crane", "crane"], "'crane' is the name of several classes"),
    ],
)
def test_classes_that_do_not_match_are_named(known, wanted, message):
    with pytest.raises(ValueError, match=message):
        class_order("net", known, wanted)


@pytest.fixture
def prepare(folder, tmp_path):
    """Prepares the photographs of two of the classes for 14 pixels."""

    def run(name, *, classes=("blue", "green", "red"), leave_out=(), num_shards=None):
        photographs = tmp_path / f"{name}-photographs"
        for class_name in classes:
            (photographs / class_name).mkdir(parents=True)
            for path in (folder / class_name).iterdir():
                if f"{class_name}/{path.name}" not in leave_out:
                    (photographs / class_name / path.name).symlink_to(path)
        made = Examples(tmp_path / name)
        source = open_source(str(photographs), tmp_path)
        generate_examples(made, source=source, image_size=14, num_shards=num_shards, max_rejected=0, runner="FnApiRunner", beam_options=())
        return made

    return run


def test_same_photographs_in_another_size(examples, prepare):
    for split in ("train", "validation"):
        check_same_examples([examples, examples, prepare(split)], split)


def test_other_photographs_are_named(examples, prepare):
    with pytest.raises(ValueError, match=r"do not hold the same train examples \('green/7.png' is in one of them alone\)"):
        check_same_examples([examples, prepare("fewer", leave_out=["green/7.png"])], "train")


def test_other_classes_are_named(examples, prepare):
    with pytest.raises(ValueError, match=r"do not hold the same classes \('red' is in one of them alone\)"):
        check_same_examples([examples, prepare("two", classes=("blue", "green"))], "validation")


def test_another_order_is_refused(examples, prepare):
    turned = prepare("turned", num_shards=3)
    check_same_examples([examples, turned], "train")  # whatever the number of shards
    manifest = turned.read_json("manifest.json")
    manifest["splits"]["train"]["shards"].reverse()
    (turned.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"train examples \(their order is not the same\)"):
        check_same_examples([examples, turned], "train")
