import json
import shutil

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from zfnet.pipeline.commands.invariance import command

KNOWN = "known/net.keras"
NAMES = ["invariance.json", "invariance.png"]


@pytest.fixture(scope="module")
def home(tmp_path_factory, folder):
    """`photographs/`, and a net that is not square: `net.keras`, and in `known/` with names of its classes, in another order."""
    home = tmp_path_factory.mktemp("invariance_command")
    shutil.copytree(folder, home / "photographs")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    small = keras.initializers.RandomNormal(stddev=0.003)
    net = keras.Sequential(
        [
            keras.Input((24, 32, 3)),
            layers.Conv2D(4, 5, strides=4, activation="relu", kernel_initializer=small, name="conv"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    net.save(home / "net.keras")
    keras.Sequential([keras.Input((24, 32, 3)), layers.Conv2D(4, 5, name="conv")]).save(home / "features.keras")
    broken = keras.Sequential(
        [keras.Input((24, 32, 3)), layers.Conv2D(2, 5, bias_initializer=keras.initializers.Constant(np.nan), name="conv")]
    )
    broken.save(home / "broken.keras")
    (home / "known").mkdir()
    net.save(home / "known/net.keras")
    (home / "known/labels.txt").write_text("red\nblue\ngreen\n")
    return home


@pytest.fixture
def invariance(home, tmp_path, monkeypatch):
    monkeypatch.chdir(home)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "new" / "out"), "--verbose"])

    return run


def numbers_in(tmp_path):
    assert sorted(path.name for path in (tmp_path / "new/out").iterdir()) == NAMES
    return json.loads((tmp_path / "new/out/invariance.json").read_text())


def test_of_photographs_whose_classes_the_net_knows(invariance, tmp_path):
    done = invariance(KNOWN, "--data", "photographs")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"{KNOWN}: preprocessing raw, images of 24 x 32 pixels"
    assert lines[-2:] == [str(tmp_path / "new/out" / name) for name in reversed(NAMES)]
    numbers = numbers_in(tmp_path)
    assert list(numbers["distance_between_images"]) == ["conv", "pool"]
    assert [image["image"].split("/")[0] for image in numbers["images"]] == [image["class"] for image in numbers["images"]]
    assert {image["class"] for image in numbers["images"]} == {"blue", "green", "red"}
    assert {image["class_is"] for image in numbers["images"]} == {"true label"}
    row = next(line.split() for line in lines if line.startswith("scale"))
    found = numbers["transformations"]["scale"]
    means = [np.mean(found["relative_distances"]["conv"]), np.mean(found["relative_distances"]["pool"]), np.mean(found["probabilities"])]
    assert [float(each) for each in row[1:]] == pytest.approx(means, abs=5e-4)
    before = [(tmp_path / "new/out" / name).read_bytes() for name in NAMES]
    assert invariance(KNOWN, "--data", "photographs", "--seed", "0", "--layer", "conv", "--layer", "pool", "--layer", "conv").exit_code == 0
    assert [(tmp_path / "new/out" / name).read_bytes() for name in NAMES] == before


def test_of_a_net_whose_classes_have_no_names(invariance, tmp_path):
    done = invariance("net.keras", "--data", "photographs")
    assert done.exit_code == 0, done.stderr
    # Without labels.txt the outputs are the classes of the data, in their order.
    assert all(image["image"].split("/")[0] == image["class"] for image in numbers_in(tmp_path)["images"])


@pytest.mark.parametrize(("labels", "classes"), [([], None), (["2", "red"], ["green", "red"])])
def test_of_images(invariance, tmp_path, labels, classes):
    options = [word for label in labels for word in ("--label", label)]
    assert invariance(KNOWN, "photographs/red/1.png", "photographs/blue/2.png", *options).exit_code == 0
    images = numbers_in(tmp_path)["images"]
    assert [image["image"] for image in images] == ["1.png", "2.png"]
    if classes:
        assert [image["class"] for image in images] == classes
    else:
        assert min(image["probability"] for image in images) > 1 / 3
    assert {image["class_is"] for image in images} == {"given label" if labels else "class predicted for the untransformed image"}


def test_of_a_model_without_classes(invariance, tmp_path):
    done = invariance("features.keras", "photographs/red/1.png")
    assert done.exit_code == 0, done.stderr
    assert "1.png" in done.stdout.splitlines()
    assert numbers_in(tmp_path)["images"] == [{"image": "1.png"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([KNOWN, "--layer", "convv"], "no layer 'convv' to look at. Did you mean conv"),
        ([KNOWN, "nothing.png"], "The image nothing.png can't be read: No such file"),
        ([KNOWN, "net.keras"], "The image net.keras can't be read: none of JPEG"),
        ([KNOWN, "photographs/red/1.png", "--label", "pink"], "no class 'pink'; expected the names in labels.txt (red, blue, green"),
        (["features.keras", "photographs/red/1.png", "--label", "red"], "expected none: the model has no classes"),
        ([KNOWN, "--image-size", "96"], "takes images of 24 x 32 pixels, not of 96"),
        ([KNOWN, "--data", "nowhere/at/all"], "nowhere/at/all"),
        (["broken.keras", "photographs/red/1.png"], "Layer 'conv' has activations that are not finite numbers (NaN"),
        (["none.keras"], "no model file none.keras"),
        (["photographs"], "no run.json in photographs"),
    ],
)
def test_failure_leaves_nothing_behind(invariance, tmp_path, arguments, message):
    done = invariance(*arguments)
    assert done.exit_code == 1
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("new/*"))
    assert not list(tmp_path.glob("new/.*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([KNOWN, "--label", "red"], "--label is the class of an IMAGE, and there is none"),
        ([KNOWN, "a.png", "b.png", "c.png", "--label", "red", "--label", "blue"], "--label was given 2 times for 3 images"),
        ([KNOWN, "a.png", "--data", "photographs"], "Give either IMAGE or --data"),
        ([KNOWN, "--seed", "-1"], "-1 is not in the range"),
    ],
)
def test_wrong_usage(invariance, arguments, message):
    done = invariance(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_pictures_are_not_written_among_the_photographs(home, monkeypatch):
    monkeypatch.chdir(home)
    done = CliRunner().invoke(command, ["net.keras", "--data", "photographs", "--out", "photographs/out", "--verbose"])
    assert done.exit_code == 1
    assert "lies inside of DATA" in done.stderr
