import pathlib
import time

import pytest

from zfnet.components.artifacts import Figures, Model
from zfnet.components.storage.local_copy import cache_directory, local_copy, local_file, staged_output, synced_directory

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
from zfnet.components.storage import files, local_copy

remote = Model("gs://photos/trainer/5/model")
for name in ("a", "b"):
    (remote.path / name).write_text(name)
listed = files.RemoteDirectory(remote.path).files()
(remote.path / "b").unlink()
try:
    local_copy._copy(remote.path, listed)
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


WRITTEN = """
import contextlib, pathlib
from zfnet.components.artifacts import Figures
from zfnet.components.storage.local_copy import staged_output

figures = Figures("gs://photos/visualizer/6/figures")
with staged_output(figures) as local:
    assert type(local) is Figures and pathlib.Path(local.path).is_dir()
    (local.path / "conv1.png").write_text("conv1")
    print(figures.path.exists())
print({str(file): file.read_text() for file in figures.files()})
failed = Figures("gs://photos/visualizer/7/figures")
with contextlib.suppress(RuntimeError), staged_output(failed) as half:
    (half.path / "conv1.png").write_text("half")
    raise RuntimeError
print(list(failed.files()) if failed.path.exists() else [])
print(pathlib.Path(local.path).exists(), pathlib.Path(half.path).exists())
"""


@pytest.mark.timeout(120)
def test_what_was_written_is_sent_when_it_is_whole(in_cloud):
    assert in_cloud(WRITTEN).splitlines() == [
        "False",
        "{'gs://photos/visualizer/6/figures/conv1.png': 'conv1'}",
        "[]",
        "False False",
    ]


MIRRORED = """
import contextlib, pathlib, shutil, sys
from zfnet.components.storage.local_copy import synced_directory

with contextlib.suppress(RuntimeError), synced_directory("gs://photos/checkpoints", interval=0.1) as directory:
    directory = pathlib.Path(directory)
    print(sorted(str(file.relative_to(directory)) for file in directory.rglob("*") if file.is_file()), flush=True)
    for epoch in sys.argv[1:]:
        if epoch == "fail":
            raise RuntimeError
        if epoch == "wait":
            print("waits", flush=True)
            sys.stdin.read()
            continue
        beside = directory / f"epoch-{epoch}.partial"
        beside.mkdir()
        (beside / "weights").write_text(epoch)
        beside.rename(directory / f"epoch-{epoch}")
        (directory / "log").open("a").write(epoch)
        shutil.rmtree(directory / f"epoch-{int(epoch) - 2}", ignore_errors=True)
    (directory / "half.partial").write_text("half")
"""


@pytest.mark.timeout(120)
def test_directory_is_mirrored_and_taken_up_again(in_cloud, fetch):
    assert in_cloud(MIRRORED, "1", "2", "3") == "[]\n"
    assert fetch("checkpoints/") == {"epoch-2/weights": b"2", "epoch-3/weights": b"3", "log": b"123"}
    assert in_cloud(MIRRORED, "4", "fail", "5") == "['epoch-2/weights', 'epoch-3/weights', 'log']\n"
    assert fetch("checkpoints/") == {"epoch-3/weights": b"3", "epoch-4/weights": b"4", "log": b"1234"}


@pytest.mark.timeout(120)
def test_what_was_written_outlives_a_process_that_is_killed(in_cloud, fetch, open_bucket):
    for blob in open_bucket().list_blobs(prefix="checkpoints/"):
        blob.delete()
    with in_cloud.start(MIRRORED, "7", "wait") as process:
        assert [process.stdout.readline(), process.stdout.readline()] == ["[]\n", "waits\n"]
        for _ in range(100):
            if len(found := fetch("checkpoints/")) == 2:
                break
            time.sleep(0.1)
        process.kill()
    assert found == {"epoch-7/weights": b"7", "log": b"7"}


def test_local_places_are_given_themselves(tmp_path):
    figures = Figures(tmp_path)
    with staged_output(figures) as given, synced_directory(str(tmp_path)) as directory:
        assert given is figures
        assert directory == str(tmp_path)
