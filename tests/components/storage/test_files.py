import pytest

from zfnet.components.storage.files import atomic_path


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
