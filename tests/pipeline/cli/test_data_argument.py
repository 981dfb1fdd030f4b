import json
import pathlib
import shutil

import click
import numpy as np
import pytest
from etils import epath
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.pipeline.cli.data_argument import check_outside_data, find_examples, prepare_photographs
from zfnet.pipeline.cli.model_argument import ModelArgument

MANIFEST = {"labels": ["cat", "dog"], "published": None, "rejected": 0, "splits": {"train": {}, "test": {}}}
FILE = ModelArgument(epath.Path("net.keras"), [], None)


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


@pytest.fixture(autouse=True)
def photos(tmp_path, monkeypatch):
    """The directory `photos`, with a link to it, which is also where the process is."""
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "link").symlink_to("photos")
    monkeypatch.chdir(tmp_path / "photos")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("directory", "data"),
    [("zfnet_run", "."), (".", "."), ("../photos", "."), ("deep/down", "../photos"), ("../link/run", "~/photos"), ("run", "../link")],
)
def test_inside(directory, data):
    with pytest.raises(ValueError, match=rf"{directory} lies inside of DATA {data}.* outside of it with --root") as caught:
        check_outside_data(pathlib.Path(directory), data, "--root")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("directory", "data"),
    [
        ("../run", "."),
        ("..", "."),
        ("../photos2", "."),
        ("run", "cat"),
        ("run", "imagenette"),
        ("run", ""),
        ("photo_patches/run", "photo_patches"),
    ],
)
def test_outside(directory, data):
    pathlib.Path("photo_patches").mkdir()
    check_outside_data(pathlib.Path(directory), data, "--root")
