import pytest

from zfnet.pipeline.figures_directory import publish_figures


def test_pictures_of_the_latest_run_are_there_and_other_files_stay(tmp_path):
    made, figures = tmp_path / "made", tmp_path / "figures"
    made.mkdir()
    for name in ("conv1.png", "conv2.png", "conv2.json"):
        (made / name).write_text(f"first {name}")
    publish_figures(figures, [made / "conv1.png", made / "conv2.png", made / "conv2.json"])
    (figures / "mine.png").write_text("mine")
    (made / "conv2.png").write_text("second conv2.png")
    publish_figures(figures, [made / "conv2.png"])
    assert {file.name: file.read_text() for file in figures.iterdir() if not file.name.startswith(".")} == {
        "conv2.png": "second conv2.png",
        "mine.png": "mine",
    }


def test_picture_is_whole_even_if_copying_fails(tmp_path):
    made, new, figures = tmp_path / "conv1.png", tmp_path / "conv2.png", tmp_path / "figures"
    made.write_text("first")
    new.write_text("new")
    publish_figures(figures, [made])
    made.write_text("second")
    with pytest.raises(FileNotFoundError):
        publish_figures(figures, [made, new, tmp_path / "missing.png"])
    assert (figures / "conv1.png").read_text() == "second"
    assert not list(figures.glob("*missing*"))
    publish_figures(figures, [])
    assert not list(figures.glob("*.png"))
