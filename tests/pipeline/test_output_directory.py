import pytest
from etils import epath

from zfnet.pipeline.output_directory import output_directory


def test_it_is_there_when_all_went_well(tmp_path):
    out = epath.Path(tmp_path / "deep" / "out")
    with output_directory(out) as directory:
        directory.downloads.mkdir()
        (directory.path / "file").write_text("whole")
        assert not out.exists()
    assert (out / "file").read_text() == "whole"
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["out"]


def test_a_failure_leaves_what_was_fetched_and_nothing_else(tmp_path):
    out = epath.Path(tmp_path / "out")

    def fail():
        with output_directory(out) as directory:
            (directory.path / "half").write_text("half")
            directory.downloads.mkdir()
            (directory.downloads / "archive").write_text("fetched")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not out.exists()
    with output_directory(out) as directory:
        assert (directory.downloads / "archive").exists()
        assert list(directory.path.iterdir()) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_what_is_there_is_not_touched(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(FileExistsError, match="is not empty"), output_directory(epath.Path(tmp_path)):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_two_at_a_time_do_not_mix(tmp_path):
    out = epath.Path(tmp_path / "out")
    with output_directory(out), pytest.raises(OSError, match="is in use by process"), output_directory(out):
        pass
