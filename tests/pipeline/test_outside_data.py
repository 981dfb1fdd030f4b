import pathlib

import pytest

from zfnet.pipeline.outside_data import refuse_inside_data


@pytest.fixture(autouse=True)
def photos(tmp_path, monkeypatch):
    """The directory `photos`, with a link to it, which is also where the process is."""
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "link").symlink_to("photos")
    monkeypatch.chdir(tmp_path / "photos")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("directory", "data"),
    [("zfnet_run", "."), (".", "."), ("../photos", "."), ("deep/down", "../photos"), ("../link/run", "~/photos"), ("run", "../link")],
)
def test_inside(directory, data):
    with pytest.raises(ValueError, match=rf"{directory} lies inside of DATA {data}.* outside of it with --root") as caught:
        refuse_inside_data(pathlib.Path(directory), data, "--root")
    assert "\n" not in str(caught.value)


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
def test_outside(directory, data):
    pathlib.Path("photo_patches").mkdir()
    refuse_inside_data(pathlib.Path(directory), data, "--root")
