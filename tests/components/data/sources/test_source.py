import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.sources.folder import FolderSource
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.data.sources.photo_patches import PhotoPatchesSource
from zfnet.components.data.sources.prepared import PreparedSource
from zfnet.components.data.sources.source import FileSource, class_name
from zfnet.components.data.sources.tfds import TfdsSource
from zfnet.components.inputs.photograph import UnreadablePhotograph


@pytest.fixture
def folder(tmp_path):
    """A folder of photographs of two classes."""
    for name in ("cat", "dog"):
        (tmp_path / "My Pets" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "My Pets" / name / "1.png")
    return tmp_path / "My Pets"


def test_what_data_may_name(folder, tmp_path, monkeypatch):
    assert isinstance(open_source("photo_patches", tmp_path), PhotoPatchesSource)
    assert isinstance(open_source(str(folder), tmp_path), FolderSource)
    assert isinstance(open_source("imagenette/320px-v2", tmp_path), TfdsSource)
    monkeypatch.chdir(folder.parent)
    assert isinstance(open_source("My Pets", tmp_path), FolderSource)
    manifest = {"image_size": 96, "side": 110, "labels": ["cat", "dog"], "published": None, "rejected": 0, "splits": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert isinstance(open_source("./My Pets", tmp_path), PreparedSource)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert isinstance(open_source("~/My Pets", tmp_path), PreparedSource)


def test_nothing_is_written_by_opening(folder, tmp_path):
    for data in ("photo_patches", "imagenette", str(folder)):
        open_source(data, tmp_path / "downloads").fingerprint()
    assert not (tmp_path / "downloads").exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "'' does not exist: expected a folder"),
        ("/no/such/place", "'/no/such/place' does not exist: expected a folder"),
        ("./place", "does not exist: expected a folder"),
        (__file__, "test_source.py is a file: expected a folder that holds one folder of photographs for each class"),
        (
            "imagenet",
            r"neither a folder here nor a TFDS data set \(near names: .*imagenette.*\): give photo_patches, a TFDS name, a folder",
        ),
        ("photos/birds", "neither a folder here nor a TFDS data set .*: give photo_patches"),
    ],
)
def test_what_data_may_not_name(tmp_path, data, message):
    with pytest.raises(ValueError, match=message) as caught:
        open_source(data, tmp_path)
    assert "\n" not in str(caught.value)


def test_names_are_names_for_tfds(folder, tmp_path):
    assert open_source("photo_patches", tmp_path).name == "photo_patches"
    assert open_source("imagenette/320px-v2", tmp_path).name == "imagenette_320px_v2"
    assert open_source(str(folder), tmp_path).name == "my_pets"
    assert open_source(f"{folder}/", tmp_path).name == "my_pets"
    assert open_source(str(folder.rename(folder.parent / "2024")), tmp_path).name == "photographs_2024"
    assert open_source(str((folder.parent / "2024").rename(folder.parent / "사진")), tmp_path).name == "photographs"


@pytest.mark.parametrize("data", ["photo_patches", "FOLDER"])
def test_tensorflow_and_beam_are_not_imported(folder, tmp_path, data):
    code = (
        "import sys; from zfnet.components.data.sources.open_source import open_source;"
        "from zfnet.components import example_gen, example_validator, statistics_gen; open_source(sys.argv[1], sys.argv[2]).fingerprint();"
        "print(sorted({'tensorflow', 'tensorflow_datasets', 'apache_beam', 'keras'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(folder) if data == "FOLDER" else data, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("cat", "cat"), ("고양이", "고양이"), ("a\nb", r"a\nb"), (os.fsdecode(b"caf\xe9"), r"caf\xe9"), ("two words", "two words")],
)
def test_class_names_fit_on_a_line(text, expected):
    assert class_name(text) == expected


def test_photographs_are_read_when_asked_for(tmp_path):
    (tmp_path / "one").write_bytes(b"1")
    (photograph,) = FileSource.read([("a/one", 3, os.fsencode(tmp_path / "one"))])
    assert (photograph.id, photograph.label, photograph.origin) == ("a/one", 3, str(tmp_path / "one"))
    (tmp_path / "one").write_bytes(b"later")
    assert photograph.read() == b"later"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none", "no such file"),
        ("link", "a link that leads nowhere"),
        ("folder", "not a file"),
        ("pipe", "not a file"),
        ("circle", "not|leads"),
    ],
)
def test_what_is_no_file_is_no_photograph(tmp_path, name, reason):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (photograph,) = FileSource.read([("a", 0, os.fsencode(tmp_path / name))])
    with pytest.raises(UnreadablePhotograph, match=reason):
        photograph.read()


def test_a_large_file_is_refused_unread(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)  # a terabyte, none of which is stored
    (photograph,) = FileSource.read([("a", 0, os.fsencode(tmp_path / "large"))])
    with pytest.raises(UnreadablePhotograph, match=r"more than [0-9]+ bytes"):
        photograph.read()


def test_names_that_are_no_text_are_spelt_out(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9"
    with open(path, "wb") as file:  # noqa: PTH123  pathlib takes no bytes
        file.write(b"1")
    (photograph,) = FileSource.read([("a", 0, path)])
    assert (photograph.origin, photograph.read()) == (f"{tmp_path}/caf\\xe9", b"1")
