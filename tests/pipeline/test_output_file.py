import os

import pytest

from zfnet.pipeline.output_file import make_its_directory


def test_directories_are_made(tmp_path):
    make_its_directory(tmp_path / "new" / "deep" / "picture.png")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["deep"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"The directory .*file can't be made \(File exists\)\. Give another with --out\."):
        make_its_directory(tmp_path / "file" / "picture.png")


def test_no_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(OSError, match=r"can't be written \(Permission denied\)"):
        make_its_directory(tmp_path / "picture.png")
