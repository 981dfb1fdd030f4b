import json
import os
import pathlib

import pytest
from etils import epath

from zfnet.pipeline.cli.output import check_outside_data, figure_directory, make_its_directory, output_directory


def draw(out, *names, **options):
    with figure_directory("filters", out, **options) as directory:
        for name in names:
            (directory.drawing / name).write_text("new")
        (directory.drawing / "filters.json").write_text(json.dumps({"pictures": names}))


def fail(out, error, place):
    with figure_directory("filters", out) as directory:
        getattr(directory, place).mkdir(exist_ok=True)
        (getattr(directory, place) / "a.png").write_text("half")
        raise error


def names(directory):
    return sorted(entry.name for entry in directory.iterdir())


def test_what_the_command_wrote_before_is_replaced_and_nothing_else(tmp_path):
    out = tmp_path / "new" / "out"
    draw(out, "a.png", "b.png")
    (out / "mine.png").touch()
    draw(out, "b.png", "c.png")
    assert names(out) == ["b.png", "c.png", "filters.json", "mine.png"]
    assert names(out.parent) == ["out"]


def test_a_failure_leaves_what_was_there(tmp_path):
    out = tmp_path / "out"
    draw(out, "a.png")
    with pytest.raises(ValueError, match="halfway"):
        fail(out, ValueError("halfway"), "drawing")
    assert (out / "a.png").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_numbers_of_something_else_name_no_file_to_remove(tmp_path):
    out = tmp_path / "out"
    draw(out, "a.png")
    (tmp_path / "precious").touch()
    for numbers in ("[1, 2", "{}", '{"pictures": ["../precious", ".."]}', '{"pictures": null}'):
        (out / "filters.json").write_text(numbers)
        draw(out, "a.png")
    assert names(tmp_path) == ["out", "precious"]


def test_downloads_of_a_failure_are_found_by_the_next(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(OSError, match="cut"):
        fail(out, OSError("cut"), "downloads")
    with figure_directory("filters", out) as directory:
        assert names(directory.downloads) == ["a.png"]
        (directory.drawing / "filters.json").write_text("{}")
    assert names(tmp_path) == ["out"]


def test_a_directory_within_the_photographs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lies inside of DATA"), figure_directory("filters", tmp_path / "out", str(tmp_path)):
        pass
    assert not names(tmp_path)


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


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """The directory `photos`, with a link to it, which is also where the process is."""
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "link").symlink_to("photos")
    monkeypatch.chdir(tmp_path / "photos")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("directory", "data"),
    [("zfnet_run", "."), (".", "."), ("../photos", "."), ("deep/down", "../photos"), ("../link/run", "~/photos"), ("run", "../link")],
)
def test_directory_inside_of_data(directory, data):
    with pytest.raises(ValueError, match=rf"{directory} lies inside of DATA {data}.* outside of it with --root") as caught:
        check_outside_data(pathlib.Path(directory), data, "--root")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("photos")
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
def test_directory_outside_of_data(directory, data):
    pathlib.Path("photo_patches").mkdir()
    check_outside_data(pathlib.Path(directory), data, "--root")
