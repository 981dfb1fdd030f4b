import json
import pathlib
import shutil

import click
import keras
import numpy as np
import pytest
from etils import epath
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.inputs.keras_net import KerasNet
from zfnet.model import MeanImage
from zfnet.pipeline.cli.arguments import ModelArgument, find_examples, find_model, model_names, prepare_photographs

MANIFEST = {"labels": ["cat", "dog"], "published": None, "rejected": 0, "splits": {"train": {}, "test": {}}}
FILE = ModelArgument(epath.Path("net.keras"), [], None)


def write_run(root, **artifacts):
    (root / "run.json").write_text(json.dumps({"artifacts": artifacts}))


def test_file_and_the_labels_beside_it(tmp_path):
    (tmp_path / "net.keras").touch()
    found = find_model(str(tmp_path / "net.keras"))
    assert (str(found.file), found.labels, found.examples) == (str(tmp_path / "net.keras"), [], None)
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    assert find_model(str(tmp_path / "net.keras")).labels == ["cat", "dog"]


def test_directory_of_the_trainer(tmp_path):
    (tmp_path / "model.keras").touch()
    assert str(find_model(str(tmp_path)).file) == str(tmp_path / "model.keras")


def test_directory_of_a_run(tmp_path):
    (tmp_path / "trainer/3/model").mkdir(parents=True)
    (tmp_path / "trainer/3/model/labels.txt").write_text("cat\ndog\n")
    artifacts = {"examples": "example_gen/1/examples", "statistics": "statistics_gen/2/statistics"}
    write_run(tmp_path, model="trainer/3/model/model.keras", **artifacts)
    found = find_model(str(tmp_path))
    assert str(found.file) == str(tmp_path / "trainer/3/model/model.keras")
    assert found.labels == ["cat", "dog"]
    assert str(found.examples.path) == str(tmp_path / "example_gen/1/examples")
    assert str(found.statistics.path) == str(tmp_path / "statistics_gen/2/statistics")
    assert str(found.root) == str(tmp_path)


def test_net_of_keras_with_its_own_preprocessing(capsys):
    found = find_model("keras:MobileNet?weights=none")
    assert (found.labels, found.examples, found.root) == ([], None, None)
    model, used = found.open_model("caffe")
    assert (used, model.layers[1].name, model.output_shape) == ("tf", "preprocessing_tf", (None, 1000))
    assert capsys.readouterr().err == "keras:MobileNet?weights=none: --preprocessing caffe is not used; the net has its own, tf\n"
    assert found.open_model(None)[1] == found.open_model("tf")[1] == "tf"
    assert capsys.readouterr().err == ""


def test_classes_of_imagenet_have_names_and_numbers(monkeypatch):
    monkeypatch.setattr(KerasNet, "classes", lambda net: [("n01440764", "tench"), ("n01443537", "goldfish")])
    found = find_model("keras:MobileNet")
    assert found.labels == found.labels_like(["goldfish", "tench"]) == ["tench", "goldfish"]
    assert found.labels_like(["n01443537", "n01440764"]) == ["n01440764", "n01443537"]
    assert FILE.labels_like(["n01443537"]) == []


def test_directory_without_a_run(tmp_path):
    with pytest.raises(ValueError, match=r"no run\.json in .*; expected a \.keras or \.h5 file, a directory that `zfnet run` wrote"):
        find_model(str(tmp_path))


def test_run_that_ended_before_it_had_a_model(tmp_path):
    write_run(tmp_path, model=None, examples="example_gen/1/examples")
    with pytest.raises(ValueError, match="has no model: it ended before the training did"):
        find_model(str(tmp_path))


@pytest.mark.parametrize("content", ["no json", "[1]", '{"artifacts": null}', "{}"])
def test_other_run_json(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError, match=r"run.json is not a valid run.json"):
        find_model(str(tmp_path))


@pytest.fixture
def swish(tmp_path):
    net = keras.Sequential([keras.Input((20, 28, 3)), keras.layers.Conv2D(3, 3, activation="silu", name="conv"), keras.layers.ReLU()])
    net.save(tmp_path / "swish.keras")
    return find_model(str(tmp_path / "swish.keras"))


def test_error_of_the_deconvnet_names_the_option(swish):
    with pytest.raises(ValueError, match=r"Layer 'conv' .* --unsupported gradient uses its plain gradient") as caught:
        swish.open_deconvnet("raw", "error")
    assert "Deconvnet(" not in str(caught.value)


def test_what_is_opened(swish):
    deconvnet, used = swish.open_deconvnet("caffe", "gradient")
    assert (deconvnet.layers[:2], used) == (["preprocessing_caffe", "conv"], "caffe")


def test_preprocessing_is_for_models_that_do_not_centre_pixels_themselves(swish, tmp_path):
    model, used = swish.open_model("torch")
    assert (model.layers[1].name, used) == ("preprocessing_torch", "torch")
    own = keras.Sequential([keras.Input((20, 28, 3)), MeanImage(), keras.layers.Conv2D(3, 3)])
    own.save(tmp_path / "own.keras")
    model, used = find_model(str(tmp_path / "own.keras")).open_model("torch")
    assert ([type(layer).__name__ for layer in model.layers], used) == (["MeanImage", "Conv2D"], "raw")


def test_short_names_where_they_tell_models_apart():
    assert model_names(["runs/alexnet", "runs/zfnet/", "best.keras"]) == ["alexnet", "zfnet", "best"]
    assert model_names(["a/net.keras", "b/net.keras", "other"]) == ["a/net.keras", "b/net.keras", "other"]
    assert model_names(["net", "net"]) == ["net (1)", "net (2)"]


def test_the_directory_that_one_is_in_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "zfnet").mkdir()
    monkeypatch.chdir(tmp_path / "zfnet")
    assert model_names(["."]) == ["zfnet"]


@pytest.fixture
def prepared(tmp_path):
    """Makes directories of examples without images."""

    def make(image_size):
        directory = tmp_path / f"prepared-{image_size}"
        directory.mkdir()
        manifest = MANIFEST | {"image_size": image_size, "side": round(image_size * 8 / 7)}
        (directory / "manifest.json").write_text(json.dumps(manifest))
        return Examples(directory)

    return make


def of_run(root, examples):
    return ModelArgument(epath.Path(f"{root}/model.keras"), ["cat", "dog"], examples, None, epath.Path(root))


def test_each_run_has_its_own_and_a_file_those_of_its_size(prepared, tmp_path):
    of_28, of_14 = prepared(28), prepared(14)
    other_14 = Examples(tmp_path / "of-another-run")
    shutil.copytree(of_14.path, other_14.path)
    found = find_examples([FILE, of_run("one", of_28), of_run("two", of_14), of_run("three", other_14)], None, "validation", tmp_path)
    assert found.usual_size == 28
    assert found.downloads == pathlib.Path("one/tfds")
    assert found.of_size("net.keras", 14) is of_14
    assert found.of_size("three", 14, other_14) is other_14


def test_files_alone_need_data(tmp_path):
    with pytest.raises(click.UsageError, match="give --data, or the directory of its run"):
        find_examples([FILE], None, "validation", tmp_path)


def test_a_size_that_nobody_has(prepared, tmp_path):
    found = find_examples([of_run("one", prepared(28)), of_run("two", prepared(14))], None, "validation", tmp_path)
    with pytest.raises(ValueError, match=r"net.keras expects images of 96 pixels, but the data of the runs was prepared for 14 and 28"):
        found.of_size("net.keras", 96)


def test_a_prepared_directory_goes_before_the_runs_own(prepared, tmp_path):
    of_28, of_14 = prepared(28), prepared(14)
    found = find_examples([of_run("one", of_28)], str(of_14.path), "test", tmp_path)
    assert str(found.of_size("two", 14, of_28).path) == str(of_14.path)
    with pytest.raises(ValueError, match=r"one expects images of 28 pixels, but .*prepared-14 was prepared for 14"):
        found.of_size("one", 28, of_28)


def test_manifest_of_something_else(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match="is not the manifest of a prepared directory"):
        find_examples([FILE], str(tmp_path), "validation", tmp_path)


def test_photographs_have_two_splits(tmp_path):
    with pytest.raises(click.UsageError, match="--split test: photographs have the splits train and validation"):
        find_examples([FILE], "photo_patches", "test", tmp_path)


@pytest.fixture
def photographs(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number in range(5):
            Image.fromarray(np.full((20, 30, 3), 40 * number, np.uint8)).save(tmp_path / "photographs" / name / f"{number}.png")
        (tmp_path / "photographs" / name / "broken.jpg").write_bytes(b"no picture")
    return str(tmp_path / "photographs")


@pytest.mark.parametrize("err", [False, True])
def test_one_split_and_what_cannot_be_read_is_left_out(photographs, tmp_path, capsys, err):
    directory = tmp_path / "work" / "examples"
    directory.mkdir(parents=True)
    (directory / "of-before").touch()
    found = [prepare_photographs(photographs, directory, tmp_path, 14, split, err=err) for split in ("validation", "train")][-1]
    manifest = found.read_json("manifest.json")
    assert (list(manifest["splits"]), found.image_size, found.side) == (["train"], 14, 16)
    assert not (directory / "of-before").exists()
    said = capsys.readouterr()
    assert f"{photographs}: preparing photographs\n" in said[err]
    assert "skipped 2 unreadable photographs" in said[err]
    assert not said[not err]
