import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.components.features.transfer import FROM_SCRATCH, Accuracy
from zfnet.pipeline.commands.features import accuracy_table, command

RESULTS = [
    Accuracy("svm", "conv1", 9, [[0.5, 1.0], [0.5, 0.5]]),
    Accuracy("svm", "fc7", 3, [[0.25, 0.75], [0.5, 0.5]]),
    Accuracy("svm", "fc7", 9, [[1.0, 1.0], [1.0, 1.0]]),
    Accuracy(FROM_SCRATCH, None, 3, [[0.5, 0.5], [0.0, 0.5]]),
    Accuracy(FROM_SCRATCH, None, 9, [[0.5, 1.0], [1.0, 1.0]]),
]
SHORT = ("--folds", "2", "--per-class", "2", "--per-class", "4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`photographs/`, dark cats and bright dogs, of which two training images are in `seen/` too; `net.keras`, for 28 x 20 pixels."""
    home = tmp_path_factory.mktemp("features_command")
    random = np.random.default_rng(0)
    for name, brightness in (("cat", 0), ("dog", 120)):
        for split, count in (("train", 8), ("validation", 3)):
            (home / "photographs" / split / name).mkdir(parents=True)
            for number in range(count):
                # Coarse enough to be told apart when it is small.
                pixels = np.kron(random.integers(0, 130, (6, 5, 3)), np.ones((10, 10, 1))) + brightness
                picture = Image.fromarray(pixels.astype(np.uint8))
                picture.save(home / "photographs" / split / name / f"{number}.png")
                for kind in ("train", "validation"):
                    (home / "seen" / kind / name).mkdir(parents=True, exist_ok=True)
                if split == "train" and number == 3:
                    picture.save(home / "seen/train" / name / "other.jpg", quality=60)
                    picture.rotate(90, expand=True).save(home / "seen/validation" / name / "unlike.jpg")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential([keras.Input((28, 20, 3)), layers.Rescaling(1 / 255), layers.Conv2D(6, 5, strides=3, activation="relu")])
    for layer in (layers.MaxPooling2D(name="pool"), layers.Flatten(), layers.Dense(4, activation="softmax")):
        net.add(layer)
    net.layers[1].name = "conv"
    net.save(home / "net.keras")
    return home


@pytest.fixture
def features(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "out"), "--verbose"])

    return run


def numbers(tmp_path):
    return json.loads((tmp_path / "out/features.json").read_text())


def test_both_classifiers_on_every_layer_and_from_scratch(features, tmp_path):
    done = features("net.keras", "--data", "photographs", *SHORT, "--from-scratch")
    assert done.exit_code == 0, done.output
    found = numbers(tmp_path)
    assert found["layers"] == ["pool"]
    kinds = {(each["classifier"], each["layer"], each["per_class"]): each for each in found["results"]}
    assert set(kinds) == {
        (name, layer, n) for name, layer in (("softmax", "pool"), ("svm", "pool"), ("from scratch", None)) for n in (2, 4)
    }
    for each in found["results"]:
        assert np.shape(each["classes"]) == (2, 2)
        assert each["mean"] == pytest.approx(np.mean(each["classes"]))
        assert each["deviation"] == pytest.approx(np.std(np.mean(each["classes"], axis=1), ddof=1))
    assert kinds["svm", "pool", 4]["mean"] == 1
    assert "not known: --pretraining names" in done.stdout
    with Image.open(tmp_path / "out/features.png") as picture:
        assert picture.size == (800, 460)


def test_images_seen_in_pretraining_are_reported_or_left_out(features, tmp_path):
    options = ("net.keras", "--data", "photographs", "--pretraining", "seen", "--classifier", "svm")
    done = features(*options, "--folds", "1", "--per-class", "8")
    assert done.exit_code == 0, done.output
    assert "Warning: 2 of 16 training images and 0 of 6 test images were seen in pretraining" in done.stdout
    overlap = numbers(tmp_path)["overlap"]
    assert {each["image"].split("/", 1)[1].removesuffix(".png") for each in overlap["train"]} == {"cat/3", "dog/3"}
    assert all(each["correlation"] > 0.97 and not each["mirrored"] for each in overlap["train"])
    done = features(*options, "--folds", "1", "--per-class", "7", "--leave-out-seen")
    assert done.exit_code == 0, done.output
    assert len(numbers(tmp_path)["overlap"]["left_out"]) == 2
    done = features(*options, "--per-class", "8", "--leave-out-seen")
    assert done.exit_code == 1
    assert "has 7 images to train on, fewer than 8" in done.stderr
    assert "2 of 22 images were seen in pretraining" in done.stderr


def test_the_same_seed_gives_the_same_files_and_layers_can_be_named(features, tmp_path):
    files = []
    for _ in range(2):
        done = features("net.keras", "--data", "photographs", *SHORT, "--layer", "pool", "--layer", "conv", "--redraw")
        assert done.exit_code == 0, done.output
        files.append({path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()})
    assert files[0] == files[1]
    assert sorted(files[0]) == ["features.json", "features.png"]
    assert numbers(tmp_path)["last_layer"] == "conv"
    assert str(tmp_path).encode() not in files[0]["features.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--per-class", "9"], 1, "has 8 images to train on, fewer than 9: give smaller --per-class"),
        (["--layer", "fc9"], 1, "no layer 'fc9'"),
        (["--leave-out-seen"], 2, "give it with --pretraining"),
        (["--classifier", "tree"], 2, "'tree' is not one of"),
        (["--pretraining", "nowhere/at/all"], 1, "nowhere/at/all"),
    ],
)
def test_failure_leaves_nothing_behind(features, tmp_path, arguments, code, message):
    done = features("net.keras", "--data", "photographs", *arguments)
    assert done.exit_code == code
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_lines_hold_mean_and_deviation_of_folds():
    assert accuracy_table(RESULTS, ["conv1", "fc7"], "fc7") == [
        "images a class                      3              9",
        "linear SVM on fc7        50.0 % ± 0.0  100.0 % ± 0.0",
        "same net, from scratch  37.5 % ± 17.7  87.5 % ± 17.7",
        "",
        "9 images a class     linear SVM",
        "conv1             62.5 % ± 17.7",
        "fc7               100.0 % ± 0.0",
    ]
