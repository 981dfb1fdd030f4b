import pytest

from zfnet.components.storage.files import atomic_path, is_clutter, list_folder


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


def test_what_systems_leave_in_a_folder_is_not_listed(tmp_path):
    for name in ("1.jpg", "thumbs.JPG", "@eaDir.png", ".DS_Store", "._1.jpg", "Thumbs.db", "desktop.ini", "Icon\r"):
        (tmp_path / name).touch()
    (tmp_path / "@eaDir").mkdir()
    (tmp_path / "more").mkdir()
    assert [entry.name for entry in list_folder(str(tmp_path))] == ["1.jpg", "@eaDir.png", "more", "thumbs.JPG"]
    assert is_clutter("LOST+FOUND")
    assert not is_clutter("lost")
