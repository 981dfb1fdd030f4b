import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from zfnet.components.artifacts import Examples, Model
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.example_gen import generate_examples
from zfnet.model import FilterRmsClip
from zfnet.model.net.layers import MeanImage
from zfnet.pipeline.commands.filters import command

PICTURES = ["filters.json", "filters.png"]


def net(side, stride, *first, image=(28, 36, 3), data_format="channels_last", **options):
    keras.utils.set_random_seed(0)
    layers, sees = keras.layers, {"data_format": data_format}
    return keras.Sequential(
        [
            keras.Input(image),
            *first,
            layers.Conv2D(12, side, strides=stride, activation="relu", name="conv1", **sees, **options),
            layers.Conv2D(10, 3, activation="relu", name="conv2", **sees),
            layers.GlobalAveragePooling2D(**sees),
            layers.Dense(2, name="classes"),
        ]
    )


@pytest.fixture(scope="module")
def home(folder, tmp_path_factory):
    """`coarse.keras`, `first.keras` (channels first), `dense.keras`, `nan.keras`, and `root/` as a run leaves it."""
    home = tmp_path_factory.mktemp("filters_command")
    net(11, 4, kernel_constraint=FilterRmsClip(0.05)).save(home / "coarse.keras")
    net(5, 2, image=(3, 28, 36), data_format="channels_first").save(home / "first.keras")
    keras.Sequential([keras.Input((28, 36, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]).save(home / "dense.keras")
    broken = net(5, 2)
    broken.get_layer("conv1").bias.assign(np.full(12, np.nan))
    broken.save(home / "nan.keras")
    of_run = net(7, 2, MeanImage(name="mean_image"))
    examples, model = Examples(home / "root/example_gen/1/examples"), Model(home / "root/trainer/2/model")
    for artifact in (examples, model):
        artifact.path.mkdir(parents=True)
    of_run.save(model.path / "model.keras")
    source = open_source(str(folder), home)
    generate_examples(examples, source=source, image_size=36, num_shards=1, max_rejected=1, runner="FnApiRunner", beam_options=())
    artifacts = {"model": "trainer/2/model/model.keras", "examples": "example_gen/1/examples"}
    (home / "root/run.json").write_text(json.dumps({"artifacts": artifacts}))
    return home


@pytest.fixture
def filters(home, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(home)

    def run(*arguments: str):
        return CliRunner().invoke(command, [*map(str, arguments), "--out", str(tmp_path / "new" / "pictures"), "--verbose"])

    return run


def names(directory):
    return sorted(entry.name for entry in directory.iterdir())


def test_models_side_by_side(filters, folder, tmp_path):
    done = filters("coarse.keras", "root", "first.keras", "--data", folder, "--preprocessing", "caffe", "--maps", 3)
    assert done.exit_code == 0, done.output
    lines, out = done.stdout.splitlines(), tmp_path / "new/pictures"
    assert lines[0] == "coarse.keras: preprocessing caffe, images of 28 x 36 pixels"
    assert f"{folder}: preparing photographs" in lines
    # A run's model knows its preprocessing itself.
    assert "root: preprocessing raw, images of 28 x 36 pixels" in lines
    assert lines[-2:] == [str(out / "filters.png"), str(out / "filters.json")]
    assert names(out) == PICTURES
    numbers = json.loads((out / "filters.json").read_text())
    assert list(numbers["models"]) == ["coarse.keras", "root", "first.keras"]
    assert numbers["models"]["coarse.keras"]["first_layer"]["rms"]["radius_from"] == "FilterRmsClip"
    labels = {True: "change", False: "fine", None: "unsure"}
    for name, model in numbers["models"].items():
        assert len(model["second_layer"]["maps"]) == 3
        assert any(line.startswith(f"{name}, over {model['images']} images") for line in lines)
        for verdict in model["verdicts"]:
            assert f"  {labels[verdict['change']]}: {verdict['words']}" in lines
    for sentence in numbers["comparison"]:
        assert sentence in lines
    assert done.stdout.count("preparing photographs") == 1


def test_a_run_alone_on_its_own_examples(filters, tmp_path, home):
    done = filters("root", "--radius", "0.01")
    assert done.exit_code == 0, done.output
    assert "preparing" not in done.stdout
    numbers = json.loads((tmp_path / "new/pictures/filters.json").read_text())["models"]["root"]
    assert numbers["images"] == Examples(home / "root/example_gen/1/examples").count("validation")
    assert numbers["first_layer"]["rms"]["at_clip"] == list(range(12))
    assert "filters at the RMS clip of 0.01: 12 of 12. The clip determines the scale" in done.stdout
    (tmp_path / "new/pictures/mine.png").touch()
    assert filters("root", "--seed", "1").exit_code == 0
    assert names(tmp_path / "new/pictures") == [*PICTURES, "mine.png"]
    assert str(tmp_path) not in (tmp_path / "new/pictures/filters.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dense.keras"], "dense.keras: The model has no Conv2D"),
        (["root", "nan.keras"], "nan.keras: Layer 'conv1' has weights that are not finite numbers"),
        (["coarse.keras", "none.keras"], "no model file none.keras"),
        (["home"], "no model file home"),
        (["coarse.keras", "--image-size", "96"], "takes images of 28 x 36 pixels, not of 96"),
        (["coarse.keras", "--data", "nowhere/at/all"], "nowhere/at/all"),
    ],
)
def test_failure_leaves_nothing_behind(filters, folder, tmp_path, arguments, message):
    done = filters(*arguments, *(() if "--data" in arguments else ("--data", folder)))
    assert done.exit_code == 1
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("new/*"))
    assert not list(tmp_path.glob("new/.*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["root", "coarse.keras", "root"], "root is given twice; expected different models."),
        (["root", "--radius", "0"], "0.0 is not in the range"),
        (["root", "--maps", "0"], "0 is not in the range"),
        ([], "Missing argument 'MODEL [MODEL ...]'"),
    ],
)
def test_wrong_usage(filters, arguments, message):
    done = filters(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
