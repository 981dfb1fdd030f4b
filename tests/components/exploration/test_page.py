import json

import pytest

from zfnet.components.exploration.page import Page, as_script

NASTY = "</script><script>alert(1)</script><!-- {{ style }}"


@pytest.mark.parametrize("folder", [False, True])
def test_text_of_the_data_ends_no_script(tmp_path, folder):
    with Page(tmp_path / "page.html", folder) as page:
        page.add_numbers("layer-0", {"name": NASTY})
        page.write(NASTY, {"classes": [NASTY]})
    text = (tmp_path / "page.html").read_text()
    assert "alert(1)</script>" not in text
    assert "&lt;/script&gt;" in text.split("</title>")[0]
    assert json.loads(as_script(NASTY)) == NASTY
    assert text.count("{{ style }}") == (2 if folder else 3)  # Title, index and numbers; nothing was filled in there.


def test_a_folder_replaces_the_one_before(tmp_path):
    for name in ("old", "new"):
        with Page(tmp_path / "page.html", folder=True) as page:
            page.add_picture(name, lambda: b"picture")
            page.add_numbers("layer-0", [1])
            page.write("net", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "page_files"]
    assert sorted(path.name for path in (tmp_path / "page_files").iterdir()) == ["layer-0.js", "new.webp"]
    assert (tmp_path / "page_files" / "layer-0.js").read_text() == 'receive("layer-0", [1]);\n'


def test_pictures_that_can_not_be_encoded_leave_nothing(tmp_path):
    def fail():
        raise MemoryError("no room")

    def write():
        with Page(tmp_path / "page.html", folder=True) as page:
            for name in ("first", "second"):
                page.add_picture(name, fail)
            page.write("net", {})

    with pytest.raises(MemoryError, match="no room"):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", [False, True])
def test_files_of_others_are_not_removed(tmp_path, folder):
    (tmp_path / "page_files").mkdir()
    (tmp_path / "page_files" / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"page_files has other files than those of a page, such as mine\.txt"):
        Page(tmp_path / "page.html", folder)
    assert [path.name for path in tmp_path.iterdir()] == ["page_files"]
    assert (tmp_path / "page_files" / "mine.txt").read_text() == "mine"


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_script(float("nan"))
