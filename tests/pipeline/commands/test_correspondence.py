import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.pipeline.commands.correspondence import command

NAMES = ["correspondence.json", "correspondence.png", "correspondence_parts.png"]
BOXES = {"nose": [40, 30, 12, 10], "eye": [60, 20, 10, 10], "face": [30, 15, 60, 60]}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Photographs of 120 x 90 pixels with a red nose, boxes around it in `boxes.json`, and nets that are not square."""
    home = tmp_path_factory.mktemp("correspondence_command")
    (home / "faces").mkdir()
    boxes = {}
    for number, name in enumerate("abc"):
        pixels = np.repeat(np.random.default_rng(number).integers(0, 200, (90, 120, 1)), 3, axis=2).astype(np.uint8)
        boxes[f"{name}.png"] = {part: [left + 5 * number, top, width, height] for part, (left, top, width, height) in BOXES.items()}
        left, top, width, height = boxes[f"{name}.png"]["nose"]
        pixels[top : top + height, left : left + width] = (250, 0, 0)
        Image.fromarray(pixels).save(home / "faces" / f"{name}.png")
    (home / "faces/boxes.json").write_text(json.dumps(boxes))
    (home / "faces/one.json").write_text(json.dumps({"a.png": boxes["a.png"]}))
    (home / "faces/unlike.json").write_text(json.dumps(boxes | {"c.png": {"nose": [40, 30, 12, 10]}}))
    (home / "faces/outside.json").write_text(json.dumps(boxes | {"c.png": BOXES | {"eye": [115, 20, 10, 10]}}))
    (home / "faces/no.json").write_text("{")
    layers = keras.layers
    keras.utils.set_random_seed(0)
    for name, shape in (("net", (48, 56, 3)), ("first", (3, 48, 56)), ("broken", (48, 56, 3))):
        layout = "channels_first" if shape[0] == 3 else "channels_last"
        net = keras.Sequential(
            [
                keras.Input(shape),
                layers.Conv2D(1, 1, activation="relu", data_format=layout, name="conv"),
                layers.MaxPooling2D(2, data_format=layout, name="pool"),
                layers.GlobalAveragePooling2D(data_format=layout, name="mean"),
                layers.Dense(5, name="hidden"),
                layers.Dense(2, name="classes"),
            ]
        )
        net.layers[0].set_weights([np.array([1.0, -1, -1]).reshape(1, 1, 3, 1), np.zeros(1)])
        if name == "broken":
            net.layers[3].set_weights([np.full((1, 5), np.nan), np.zeros(5)])
        net.save(home / f"{name}.keras")
    return home


@pytest.fixture
def correspondence(home, tmp_path, monkeypatch):
    monkeypatch.chdir(home)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*arguments, "--draws", "20", "--out", str(tmp_path / "new" / "out"), "--verbose"])

    return run


def numbers_in(tmp_path):
    assert sorted(path.name for path in (tmp_path / "new/out").iterdir()) == NAMES
    return json.loads((tmp_path / "new/out/correspondence.json").read_text())


def test_of_a_file_of_boxes(correspondence, tmp_path):
    done = correspondence("net.keras", "--boxes", "faces/boxes.json", "--within", "face")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "net.keras: preprocessing raw, images of 48 x 56 pixels",
        "3 images; hidden parts show 128, since no mean is known",
    ]
    assert lines[-3:] == [str(tmp_path / "new/out" / name) for name in (*NAMES[1:], NAMES[0])]
    numbers = numbers_in(tmp_path)
    assert [image["image"] for image in numbers["images"]] == ["a.png", "b.png", "c.png"]
    assert list(numbers["parts"]) == ["nose", "eye"]
    assert list(numbers["parts"]["nose"]) == ["mean", "hidden"]
    nose = numbers["parts"]["nose"]["hidden"]
    assert (nose["pairs"], nose["std"]) == ([0, 0, 0], 0)
    assert nose["random"]["mean"] > 0.1
    row = next(line for line in lines if line.startswith("nose"))
    random = nose["random"]
    shown = f"0.000 +- 0.000 {random['mean']:.3f} +- {random['std']:.3f} {nose['share_of_draws_not_above']:.0%}"
    assert " ".join(row.split()).endswith(shown)
    # The columns of the original, of each part and of a random box: the nose is hidden in the second, in all images, and nowhere else.
    picture = np.asarray(Image.open(tmp_path / "new/out/correspondence_parts.png")).astype(int)
    red = (picture[..., 0] > 200) & (picture[..., 1] < 60)
    first, second, third, _ = np.array_split(red, 4, axis=1)
    assert first.sum() == third.sum() > 500
    assert second.sum() < first.sum() / 20


def test_boxes_one_by_one_give_the_same(correspondence, tmp_path):
    images = ["faces/a.png", "faces/b.png", "faces/c.png"]
    boxes = [
        f"{part}={left + 5 * number},{top},{width},{height}" for part, (left, top, width, height) in BOXES.items() for number in range(3)
    ]
    assert correspondence("net.keras", "--boxes", "faces/boxes.json").exit_code == 0
    expected = numbers_in(tmp_path)
    done = correspondence("net.keras", *images, *(word for box in boxes for word in ("--box", box)))
    assert done.exit_code == 0, done.stderr
    assert numbers_in(tmp_path) == expected
    assert correspondence("net.keras", *images[:2], "--boxes", "faces/boxes.json").exit_code == 0
    assert len(numbers_in(tmp_path)["images"]) == 2


def test_channels_first_gives_the_same(correspondence, tmp_path):
    found = []
    for net in ("net.keras", "first.keras"):
        assert correspondence(net, "--boxes", "faces/boxes.json", "--layer", "pool").exit_code == 0
        found.append(numbers_in(tmp_path))
    assert found[0] == found[1]


def test_the_demonstration_says_what_it_is(correspondence, tmp_path):
    done = correspondence("net.keras")
    assert done.exit_code == 0, done.stderr
    numbers = numbers_in(tmp_path)
    assert "a demonstration, not Table 1 of the paper" in numbers["note"]
    assert numbers["note"] in done.stdout
    assert list(numbers["parts"]) == ["right eye", "left eye", "nose"]


def test_the_grey_of_data(correspondence, tmp_path, folder):
    done = correspondence("net.keras", "--boxes", "faces/boxes.json", "--data", str(folder))
    assert done.exit_code == 0, done.stderr
    assert "hidden parts show the mean colour of DATA" in done.stdout
    assert numbers_in(tmp_path)["grey"] == "the mean colour of DATA"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--boxes", "faces/none.json"], "The boxes faces/none.json can't be read: No such file"),
        (["--boxes", "faces/no.json"], "The boxes faces/no.json are no JSON"),
        (["--boxes", "faces/one.json"], "There is 1 image; expected at least two"),
        (["--boxes", "faces/unlike.json"], "There is no box of 'eye' in faces/c.png; expected the same parts in all images"),
        (["--boxes", "faces/outside.json"], "The box of 'eye' in c.png is 115, 20, 10, 10"),
        (["--boxes", "faces/boxes.json", "--within", "head"], "There are no boxes of 'head'"),
        (["--boxes", "faces/boxes.json", "--within", "eye"], "does not fit into"),
        (["faces/a.png", "faces/d.png", "--boxes", "faces/boxes.json"], "faces/boxes.json has no boxes of faces/d.png"),
        (["faces/a.png", "faces/b.png", "--box", "nose=1,2,3,4"], "'nose' was given 1 times for 2 images"),
        (["faces/a.png", "faces/b.png", "--box", "nose=1,2,3"], "The box 'nose=1,2,3' is none; expected PART=left,top,width,height"),
        (["faces/a.png", "faces/d.png", *["--box", "nose=50,40,9,9"] * 2], "The image faces/d.png can't be read: No such file"),
        (["faces/a.png", "faces/a.png", *["--box", "nose=50,40,9,9"] * 2], "The image faces/a.png is there twice"),
        (["--layer", "convv"], "no layer 'convv' to look at. Did you mean conv"),
        (["--image-size", "96"], "takes images of 48 x 56 pixels, not of 96"),
        (["--data", "nowhere/at/all"], "nowhere/at/all"),
    ],
)
def test_failure_leaves_nothing_behind(correspondence, tmp_path, arguments, message):
    done = correspondence("net.keras", *arguments)
    assert done.exit_code == 1
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("new/*"))
    assert not list(tmp_path.glob("new/.*"))


def test_a_net_that_gives_no_numbers(correspondence):
    done = correspondence("broken.keras")
    assert done.exit_code == 1
    assert "Layer 'hidden' has activations that are not finite numbers (NaN" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["faces/a.png"], "There are images and no boxes around their parts; give --boxes or --box"),
        (["--box", "nose=1,2,3,4"], "--box needs an IMAGE"),
        (["faces/a.png", "--box", "nose=1,2,3,4", "--boxes", "faces/boxes.json"], "Give either --boxes or --box"),
        (["--within", "face"], "--within names a part of --boxes or --box"),
        (["--draws", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage(correspondence, arguments, message):
    done = CliRunner().invoke(command, ["net.keras", *arguments, "--out", "out"])
    assert done.exit_code == 2
    assert message in done.stderr
