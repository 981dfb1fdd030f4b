import os

import pytest

from zfnet.components.data.sources.photograph_files import read_files
from zfnet.components.inputs.photograph import UnreadablePhotograph


def test_photographs_are_read_when_asked_for(tmp_path):
    (tmp_path / "one").write_bytes(b"1")
    (photograph,) = read_files([("a/one", 3, os.fsencode(tmp_path / "one"))])
    assert (photograph.id, photograph.label, photograph.origin) == ("a/one", 3, str(tmp_path / "one"))
    (tmp_path / "one").write_bytes(b"later")
    assert photograph.read() == b"later"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none", "no such file"),
        ("link", "a link that leads nowhere"),
        ("folder", "not a file"),
        ("pipe", "not a file"),
        ("circle", "not|leads"),
    ],
)
def test_what_is_no_file_is_no_photograph(tmp_path, name, reason):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (photograph,) = read_files([("a", 0, os.fsencode(tmp_path / name))])
    with pytest.raises(UnreadablePhotograph, match=reason):
        photograph.read()


def test_a_large_file_is_refused_unread(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)  # a terabyte, none of which is stored
    (photograph,) = read_files([("a", 0, os.fsencode(tmp_path / "large"))])
    with pytest.raises(UnreadablePhotograph, match=r"more than [0-9]+ bytes"):
        photograph.read()


def test_names_that_are_no_text_are_spelt_out(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9"
    with open(path, "wb") as file:  # noqa: PTH123  pathlib takes no bytes
        file.write(b"1")
    (photograph,) = read_files([("a", 0, path)])
    assert (photograph.origin, photograph.read()) == (f"{tmp_path}/caf\\xe9", b"1")
