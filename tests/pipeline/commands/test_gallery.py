import json
import shutil

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.example_gen import generate_examples
from zfnet.pipeline.commands.gallery import command

CONVOLUTIONS = ["gallery.json", "gallery_conv1.png", "gallery_conv2.png"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`photographs/`, `net.keras`, and `root/` as a run leaves it: with the net, its labels and its examples."""
    home = tmp_path_factory.mktemp("gallery_command")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (home / "photographs" / name).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 256, (60, 50 + number, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(home / "photographs" / name / f"{number}.png")
    (home / "photographs" / "cat" / "broken.jpg").write_bytes(b"no picture")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((28, 28, 3)),
            layers.Conv2D(5, 5, strides=2, activation="relu", name="conv1"),
            layers.Conv2D(4, 3, activation="relu", name="conv2"),
            layers.Flatten(),
            layers.Dense(2, name="classes"),
        ]
    )
    net.save(home / "net.keras")
    model, examples = home / "root/trainer/2/model", Examples(home / "root/example_gen/1/examples")
    model.mkdir(parents=True)
    net.save(model / "model.keras")
    (model / "labels.txt").write_text("cat\ndog\n")
    source = open_source(str(home / "photographs"), home)
    generate_examples(examples, source=source, image_size=28, num_shards=1, max_rejected=1, runner="FnApiRunner", beam_options=())
    artifacts = {"model": "trainer/2/model/model.keras", "examples": "example_gen/1/examples"}
    (home / "root/run.json").write_text(json.dumps({"artifacts": artifacts}))
    return home


@pytest.fixture
def gallery(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "new" / "pictures"), "--verbose"])

    return run


def names(directory):
    return sorted(entry.name for entry in directory.iterdir())


def test_of_a_run_and_its_examples(gallery, tmp_path):
    done = gallery("root", "--maps", "2")
    assert done.exit_code == 0
    out = tmp_path / "new/pictures"
    said = ["root: preprocessing raw, images of 28 x 28 pixels", *(str(out / name) for name in CONVOLUTIONS[1:]), str(out / "gallery.json")]
    assert done.stdout.splitlines() == said
    assert names(out) == CONVOLUTIONS
    assert names(out.parent) == ["pictures"]
    numbers = json.loads((out / "gallery.json").read_text())
    assert [len(numbers[layer]["maps"]) for layer in ("conv1", "conv2")] == [2, 2]


def test_of_a_file_and_photographs_gives_the_same(gallery, tmp_path):
    assert gallery("root").exit_code == 0
    of_run = {path.name: path.read_bytes() for path in (tmp_path / "new/pictures").iterdir()}
    done = gallery("net.keras", "--data", "photographs")
    assert done.exit_code == 0
    assert "photographs: preparing photographs" in done.stdout
    assert {path.name: path.read_bytes() for path in (tmp_path / "new/pictures").iterdir()} == of_run
    assert names(tmp_path / "new") == ["pictures"]


def test_only_what_is_searched_is_prepared(gallery, tmp_path):
    for split in ("train", "validation"):
        for name in ("cat", "dog"):
            shutil.copytree(f"photographs/{name}", tmp_path / "data" / split / name, ignore=shutil.ignore_patterns("broken.jpg"))
        (tmp_path / f"data/{split}/dog/broken.jpg").write_bytes(b"no picture")
    done = gallery("net.keras", "--data", str(tmp_path / "data"), "--layer", "conv1")
    assert done.exit_code == 0
    assert f"{tmp_path / 'data'}: skipped 1 unreadable photograph" in done.stdout
    found = json.loads((tmp_path / "new/pictures/gallery.json").read_text())["conv1"]["maps"]
    assert {each["example"].split("/")[0] for shown in found.values() for each in shown} == {"validation"}


def test_of_a_prepared_directory(gallery, tmp_path, folder):
    before = Examples(folder / "root/example_gen/1/examples").digest()
    done = gallery("net.keras", "--data", "root/example_gen/1/examples", "--layer", "classes")
    assert done.exit_code == 0
    assert names(tmp_path / "new/pictures") == ["gallery.json", "gallery_classes.png"]
    assert Examples(folder / "root/example_gen/1/examples").digest() == before


def test_earlier_gallery_is_replaced_and_nothing_else(gallery, tmp_path):
    out = tmp_path / "new/pictures"
    assert gallery("root", "--layer", "conv1", "--layer", "classes", "--layer", "conv1").exit_code == 0
    (out / "gallery_mine.png").touch()
    (out / "notes.txt").touch()
    before = (out / "gallery_conv1.png").read_bytes()
    assert gallery("root", "--layer", "conv1", "--preprocessing", "caffe").exit_code == 0
    assert names(out) == ["gallery.json", "gallery_conv1.png", "gallery_mine.png", "notes.txt"]
    assert (out / "gallery_conv1.png").read_bytes() != before


def test_numbers_of_something_else_do_not_matter(gallery, tmp_path):
    (tmp_path / "new/pictures").mkdir(parents=True)
    (tmp_path / "new/pictures/gallery.json").write_text("[1, 2")
    assert gallery("root", "--layer", "conv2").exit_code == 0
    assert list(json.loads((tmp_path / "new/pictures/gallery.json").read_text())) == ["conv2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["root", "--layer", "conv1", "--layer", "conv3"], "no layer 'conv3' to look at. Did you mean "),
        (["root", "--data", "nowhere/at/all"], "nowhere/at/all"),
        (["photographs"], "no run.json in photographs"),
        (["none.keras"], "no model file none.keras"),
        (["root", "--image-size", "96"], "takes images of 28 x 28 pixels, not of 96"),
    ],
)
def test_failure_leaves_nothing_behind(gallery, tmp_path, arguments, message):
    done = gallery(*arguments)
    assert done.exit_code == 1
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("new/*"))
    assert not list(tmp_path.glob("new/.*"))


def test_pictures_are_not_written_among_the_photographs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(command, ["net.keras", "--data", "photographs", "--out", "photographs/pictures", "--verbose"])
    assert done.exit_code == 1
    assert "lies inside of DATA" in done.stderr
    assert names(folder / "photographs") == ["cat", "dog"]


def test_maps_by_their_name(gallery, tmp_path):
    done = gallery("root", "--map", "conv1/3", "--map", "classes/dog")
    assert done.exit_code == 0, done.output
    numbers = json.loads((tmp_path / "new/pictures/gallery.json").read_text())
    drawn = {layer: list(each["maps"]) for layer, each in numbers.items()}
    dead = [layer for layer, unit in (("conv1", 3), ("classes", 1)) if unit in numbers[layer]["dead_maps"]]
    assert drawn == {layer: [] if layer in dead else units for layer, units in (("conv1", ["3"]), ("classes", ["1"]))}
    assert gallery("root", "--map", "conv1/5").exit_code == 1


def test_the_seed_decides_which(gallery, tmp_path):
    drawn = []
    for seed in ("0", "0", "1", "2"):
        assert gallery("root", "--layer", "conv1", "--maps", "2", "--seed", seed).exit_code == 0
        drawn.append(tuple(json.loads((tmp_path / "new/pictures/gallery.json").read_text())["conv1"]["maps"]))
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_two_models_side_by_side_and_then_one_again(gallery, tmp_path):
    out = tmp_path / "new/pictures"
    done = gallery("root", "net.keras", "--maps", "2")
    assert done.exit_code == 0, done.output
    numbers = json.loads((out / "gallery.json").read_text())
    assert [each["name"] for each in numbers["models"]] == ["root", "net"]
    # It is the same net: what is drawn of it is the same.
    assert numbers["models"][0]["layers"] == numbers["models"][1]["layers"]
    assert names(out) == ["gallery.json", *numbers["pictures"]]
    assert gallery("root", "--layer", "conv2", "--maps", "2").exit_code == 0
    assert names(out) == ["gallery.json", "gallery_conv2.png"]


def test_within_a_class_and_what_matters(gallery, tmp_path):
    done = gallery("root", "--layer", "conv2", "--within", "dog", "--by", "matters", "--maps", "2")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "new/pictures/gallery.json").read_text())["conv2"]
    assert found["within"] == "dog"
    assert {each["example"].split("/")[-2] for shown in found["maps"].values() for each in shown} == {"dog"}
    assert {each["predicted"] for shown in found["matters"].values() for each in shown} <= {"cat", "dog"}
    assert {each["class"] for classes in found["answers"].values() for each in classes} == {"cat", "dog"}
    done = gallery("root", "--within", "horse")
    assert done.exit_code == 1
    assert "no images of a class 'horse': they are of cat, dog" in done.stderr


def test_checked(gallery, tmp_path):
    assert gallery("root", "--layer", "conv2", "--maps", "1", "--check").exit_code == 0
    found = json.loads((tmp_path / "new/pictures/gallery.json").read_text())["conv2"]
    (shown,) = found["maps"].values()
    assert all(set(each["check"]) == {"fall", "fall_elsewhere", "fifth"} for each in shown)
    assert list(found["alike"]["below"]) == ["conv1", "conv2"]
