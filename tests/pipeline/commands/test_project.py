import re

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.components.pictures.project_images import FRAME
from zfnet.pipeline.commands.project import command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A net of an input that is not square, the same with channels first, and photographs."""
    root = tmp_path_factory.mktemp("project")
    for layout, shape in (("channels_last", (40, 56, 3)), ("channels_first", (3, 40, 56))):
        keras.utils.set_random_seed(0)
        layers = keras.layers
        keras.Sequential(
            [
                keras.Input(shape),
                layers.Conv2D(6, 5, activation="relu", data_format=layout, name="conv1"),
                layers.MaxPooling2D(data_format=layout),
                layers.GlobalAveragePooling2D(data_format=layout),
                layers.Dense(3, name="classes"),
            ]
        ).save(root / f"{layout}.keras")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        Image.fromarray(rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)).save(root / f"{name}.png")
    (root / "broken.jpg").write_bytes(b"no picture")
    return root


@pytest.fixture
def project(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "new/out.png"), "--verbose"])

    return run


def test_image_beside_its_projection(project, tmp_path):
    done = project("channels_last.keras", "cat.png", "dog.png", "--layer", "conv1", "--preprocessing", "tf")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "channels_last.keras: preprocessing tf, images of 40 x 56 pixels"
    assert [line.split(",")[0] for line in lines[1:3]] == ["cat.png: conv1", "dog.png: conv1"]
    assert all(" at row " in line and ", activation " in line for line in lines[1:3])
    assert lines[3] == str(tmp_path / "new/out.png")
    picture = np.asarray(Image.open(tmp_path / "new/out.png"))
    assert np.any(np.all(picture == FRAME, axis=-1))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.png"]


def test_channels_first_looks_the_same(project, tmp_path):
    said, pictures = [], []
    for layout in ("channels_last", "channels_first"):
        done = project(f"{layout}.keras", "cat.png", "dog.png", "--layer", "conv1", "--unit", "2", "--preprocessing", "caffe")
        assert done.exit_code == 0
        said.append(done.stdout.splitlines()[1:])
        pictures.append(np.asarray(Image.open(tmp_path / "new/out.png")).astype(int))
    assert said[0] == said[1]
    assert all("conv1, map 2 at" in line for line in said[0][:2])
    np.testing.assert_allclose(*pictures, atol=2)


def test_more_images_than_go_through_the_net_together(project):
    alone = project("channels_last.keras", "dog.png", "--layer", "conv1").stdout.splitlines()[1]
    said = project("channels_last.keras", *["cat.png", "dog.png"] * 9, "--layer", "conv1").stdout.splitlines()[1:-1]
    assert said == said[:2] * 9
    assert said[1].rsplit(".", 1)[0] == alone.rsplit(".", 1)[0]


def test_directory_that_cannot_be_made(folder):
    net = f"{folder}/channels_last.keras"
    done = CliRunner().invoke(command, [net, "cat.png", "--layer", "conv1", "--out", f"{folder}/cat.png/out.png", "--verbose"])
    assert done.exit_code == 1
    assert f"The directory {folder}/cat.png can't be made" in done.stderr.splitlines()[-1]


def test_classes_are_named(project, folder):
    (folder / "labels.txt").write_text("cat\ndog\ncup\n")
    done = project("channels_last.keras", "cat.png", "--layer", "classes", "--unit", "1")
    assert done.stdout.splitlines()[1].startswith("cat.png: classes, unit 1 (dog), activation ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["channels_last.keras", "cat.png", "broken.jpg", "--layer", "conv1"], "The image broken.jpg can't be read: none of JPEG"),
        (["channels_last.keras", "none.jpg", "--layer", "conv1"], "The image none.jpg can't be read: No such file"),
        (["channels_last.keras", "cat.png", "--layer", "conv7"], "no layer 'conv7' to look at. Did you mean conv1? It has: conv1, "),
        (["channels_last.keras", "cat.png", "--layer", "conv1", "--unit", "6"], "no unit 6 in layer 'conv1'"),
        (["channels_last.keras", "cat.png", "--layer", "conv1", "--image-size", "96"], "takes images of 40 x 56 pixels, not of 96"),
        (["none.keras", "cat.png", "--layer", "conv1"], "no model file none.keras"),
        (["cat.png", "cat.png", "--layer", "conv1"], "cat.png is not a Keras model file"),
        ([".", "cat.png", "--layer", "conv1"], "no run.json in ."),
    ],
)
def test_failures_are_told(project, tmp_path, arguments, message):
    done = project(*arguments)
    assert done.exit_code == 1
    assert f"Error: {message}" in done.stderr or message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("new/*"))


def test_other_pictures_than_png_are_refused(folder, tmp_path):
    net = f"{folder}/channels_last.keras"
    done = CliRunner().invoke(command, [net, "cat.png", "--layer", "conv1", "--out", str(tmp_path / "out.jpg")])
    assert done.exit_code == 2
    assert "does not end in .png" in done.stderr


def test_net_of_keras(project, tmp_path, monkeypatch):
    file = "mobilenet_1_0_224_tf.h5"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # Nobody listens on this port.
    alone = project("keras:MobileNet", "cat.png", "--layer", "predictions")
    assert alone.exit_code == 1
    assert f"keras-applications/mobilenet/{file} where there is a network, and put it at {tmp_path}/keras/models/{file}." in alone.output
    assert not list((tmp_path / "new").glob("*"))
    keras.applications.MobileNet(weights=None).save(tmp_path / "keras/models" / file)
    done = project("keras:MobileNet", "cat.png", "--layer", "predictions", "--preprocessing", "torch")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "keras:MobileNet: preprocessing tf, images of 224 x 224 pixels"
    assert "keras:MobileNet: --preprocessing torch is not used; the net has its own, tf" in done.stderr
    assert "keras:MobileNet: classes have numbers instead of names." in done.stderr
    assert (tmp_path / "new/out.png").exists()


def test_whether_to_believe_it(project, tmp_path):
    done = project("channels_last.keras", "cat.png", "dog.png", "--layer", "conv1", "--check")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    change = r"(falls|rises) \d+ %"
    pattern = (
        r"cat.png: conv1, map \d at row \d+, column \d+, activation [\d.]+; "
        rf"without the tenth of pixels that is marked it {change}, without others it {change}; a fifth: {change}, others: {change}"
    )
    assert re.match(pattern, lines[1])
    assert lines[3] == "hidden pixels have 128, since no mean is known; likeness with shuffled weights (pattern, places, SSIM):"
    assert lines[4].split("  ")[0] == "shuffled layer"
    assert re.fullmatch(r"conv1( +(-?\d\.\d\d ?){3}){3}", lines[5])
    plain = np.asarray(Image.open(tmp_path / "new/out.png"))
    assert project("channels_last.keras", "cat.png", "dog.png", "--layer", "conv1").exit_code == 0
    assert np.asarray(Image.open(tmp_path / "new/out.png")).shape[0] < plain.shape[0]
