import json

import pytest

from zfnet.components.artifacts import Examples
from zfnet.components.data.source import open_source
from zfnet.components.evaluation.same_examples import refuse_different_examples
from zfnet.components.example_gen import generate_examples


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
        refuse_different_examples([examples, examples, prepare(split)], split)


def test_other_photographs_are_named(examples, prepare):
    with pytest.raises(ValueError, match=r"do not hold the same train examples \('green/7.png' is in one of them alone\)"):
        refuse_different_examples([examples, prepare("fewer", leave_out=["green/7.png"])], "train")


def test_other_classes_are_named(examples, prepare):
    with pytest.raises(ValueError, match=r"do not hold the same classes \('red' is in one of them alone\)"):
        refuse_different_examples([examples, prepare("two", classes=("blue", "green"))], "validation")


def test_another_order_is_refused(examples, prepare):
    turned = prepare("turned", num_shards=3)
    refuse_different_examples([examples, turned], "train")  # whatever the number of shards
    manifest = turned.read_json("manifest.json")
    manifest["splits"]["train"]["shards"].reverse()
    (turned.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"train examples \(their order is not the same\)"):
        refuse_different_examples([examples, turned], "train")
