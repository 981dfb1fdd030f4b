import pathlib

import pytest

from zfnet.components.artifacts import Model
from zfnet.components.storage.local_copy import cache_directory, local_copy, local_file

PROGRAM = """
import pathlib
from etils import epath
from zfnet.components.artifacts import Model
from zfnet.components.storage.local_copy import local_copy, local_file

remote = Model("gs://photos/trainer/4/model")
for name in ("model.keras", "pictures/conv1.png"):
    (remote.path / name).write_text(name)
copy = local_copy(remote)
assert type(copy) is Model
assert copy.digest() == remote.digest()
assert local_copy(remote).path == copy.path

one = local_file(remote.path / "model.keras")
print(one.name, one.read_text(), [file.name for file in one.parent.iterdir()])

# The storage is asked, not remembered: the same path with other contents is another artifact.
(remote.path / "model.keras").write_text("MODEL.KERAS")
other = local_copy(remote)
print((other.path / "model.keras").read_text(), (copy.path / "model.keras").read_text())
for missing in (lambda: local_copy(Model("gs://photos/none")), lambda: local_file("gs://photos/trainer/4/model/none")):
    try:
        missing()
    except FileNotFoundError as error:
        print(error)
"""


@pytest.mark.timeout(120)
def test_remote_artifact_is_copied_once(in_cloud, tmp_path):
    assert in_cloud(PROGRAM).splitlines() == [
        "model.keras model.keras ['model.keras']",
        "MODEL.KERAS model.keras",
        "There is nothing in gs://photos/none.",
        "There is nothing in gs://photos/trainer/4/model.",
    ]
    assert len(list((tmp_path / "cache/zfnet/artifacts").iterdir())) == 3


# The storage loses a file between the listing and the fetching.
BROKEN = """
from zfnet.components.artifacts import Model
from zfnet.components.storage import local_copy, remote_directory

remote = Model("gs://photos/trainer/5/model")
for name in ("a", "b"):
    (remote.path / name).write_text(name)
files = remote_directory.RemoteDirectory(remote.path).files()
(remote.path / "b").unlink()
try:
    local_copy._copy(remote.path, files)
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.timeout(120)
def test_copy_is_whole_or_not_there(in_cloud, tmp_path):
    assert in_cloud(BROKEN) == "FileNotFoundError\n"
    assert list((tmp_path / "cache/zfnet/artifacts").iterdir()) == []


def test_local_artifact_is_given_itself(tmp_path):
    model = Model(tmp_path)
    assert local_copy(model) is model
    assert local_file(tmp_path / "model.keras") == tmp_path / "model.keras"


def test_cache_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_directory() == tmp_path / "cache/zfnet"
    assert cache_directory().is_dir()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == pathlib.Path(tmp_path, ".cache/zfnet")
