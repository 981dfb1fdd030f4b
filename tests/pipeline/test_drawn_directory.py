import json

import pytest

from zfnet.pipeline.drawn_directory import drawn_directory


def draw(out, *names, **options):
    with drawn_directory("filters", out, **options) as directory:
        for name in names:
            (directory.drawing / name).write_text("new")
        (directory.drawing / "filters.json").write_text(json.dumps({"pictures": names}))


def fail(out, error, place):
    with drawn_directory("filters", out) as directory:
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
    with drawn_directory("filters", out) as directory:
        assert names(directory.downloads) == ["a.png"]
        (directory.drawing / "filters.json").write_text("{}")
    assert names(tmp_path) == ["out"]


def test_a_directory_within_the_photographs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lies inside of DATA"), drawn_directory("filters", tmp_path / "out", str(tmp_path)):
        pass
    assert not names(tmp_path)
