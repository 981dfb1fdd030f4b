import json

import keras
import pytest

from zfnet.model import MeanImage
from zfnet.pipeline.cli.model_argument import find_model, model_names


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


def test_directory_without_a_run(tmp_path):
    with pytest.raises(ValueError, match=r"no run\.json in .*; expected a \.keras or \.h5 file, or a directory that `zfnet run` wrote"):
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
