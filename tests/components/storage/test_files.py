import pathlib

import pytest

from zfnet.components.storage.files import atomic_path, is_clutter, list_folder, local_files

PROGRAM = """
import pathlib
from etils import epath
from zfnet.components.storage.files import RemoteDirectory

source = pathlib.Path("source")
names = ["b", "a/deep [1]/글 #2?.txt", "empty"]
for name in names:
    (source / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).write_bytes(name.encode() * (name != "empty"))
directory = RemoteDirectory("gs://photos/made/1")
print(directory.files())
directory.upload(names, source)
epath.Path("gs://photos/made/10/other").write_text("not below made/1")
first = directory.files()
print({name: file.size for name, file in first.items()})

directory.download(names, pathlib.Path("target"))
print(all((pathlib.Path("target") / name).read_bytes() == (source / name).read_bytes() for name in names))
directory.upload(["b"], source)
again = directory.files()
print([name for name in names if first[name] != again[name]])
directory.remove(["b", "never was"])
print(list(directory.files()))
try:
    directory.download(["b"], pathlib.Path("target"))
except OSError as error:
    print(type(error).__name__)
"""


def test_file_is_replaced_when_it_is_whole(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("old")
    with atomic_path(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_file_stays_when_writing_fails(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("old")

    def fill_the_disk() -> None:
        with atomic_path(path) as partial:
            partial.write_text("ne")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fill_the_disk()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.timeout(120)
def test_files_are_sent_listed_fetched_and_removed(in_cloud):
    odd = "a/deep [1]/글 #2?.txt"
    assert in_cloud(PROGRAM).splitlines() == [
        "{}",
        str({odd: len(odd.encode()), "b": 1, "empty": 0}),
        "True",
        "['b']",
        str([odd, "empty"]),
        "FileNotFoundError",
    ]


def test_local_files_are_found_below_in_order(tmp_path: pathlib.Path):
    for name in ("b", "a/z", "a/y/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert local_files(tmp_path) == ["a/y/x", "a/z", "b"]


def test_what_systems_leave_in_a_folder_is_not_listed(tmp_path):
    for name in ("1.jpg", "thumbs.JPG", "@eaDir.png", ".DS_Store", "._1.jpg", "Thumbs.db", "desktop.ini", "Icon\r"):
        (tmp_path / name).touch()
    (tmp_path / "@eaDir").mkdir()
    (tmp_path / "more").mkdir()
    assert [entry.name for entry in list_folder(str(tmp_path))] == ["1.jpg", "@eaDir.png", "more", "thumbs.JPG"]
    assert is_clutter("LOST+FOUND")
    assert not is_clutter("lost")
