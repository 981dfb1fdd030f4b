"""The notebooks of the documentation: their cells run, with few images and epochs, and their pages show what the last full run drew."""

import importlib
import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
SMALL = {"look_into_vgg16": {"SQUARES": 2, "STRIDE": 60}, "watch_your_own_network": {"EPOCHS": 2, "SHARE": "10%"}}
PNG = b"\x89PNG\r\n"


@pytest.fixture
def docs(monkeypatch):
    """Imports a module of the documentation's folder by its name."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module


def kinds(notebook):
    """Values that the cells of a notebook show, by their MIME types; what they print depends on the data set being there already."""
    return [[sorted(output["data"]) for output in cell.get("outputs", []) if "data" in output] for cell in notebook["cells"]]


def test_no_notebook_is_overlooked():
    assert {path.stem for path in (DOCS / "notebooks").glob("*.ipynb")} == set(SMALL)


# Keras gives this warning for every data set in `fit`.
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")
@pytest.mark.parametrize("name", SMALL)
def test_cells_run(name, docs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = docs("run_notebooks")
    notebook, stored = runner.read_notebook(name), runner.read_notebook(name)
    names = runner.run_notebook(notebook, **SMALL[name])
    assert all(names[parameter] == value for parameter, value in SMALL[name].items())
    # The pictures in the repository are those of these cells.
    assert kinds(notebook) == kinds(stored)
    assert [cell.get("execution_count") for cell in notebook["cells"]] == [cell.get("execution_count") for cell in stored["cells"]]


@pytest.mark.parametrize("name", SMALL)
def test_page_shows_texts_code_and_pictures(name, docs):
    notebook = docs("run_notebooks").read_notebook(name)
    page, pictures = docs("notebook_pages").page_of(notebook, name)
    assert len(pictures) == 5
    assert all(picture.startswith(PNG) for picture in pictures.values())
    assert re.findall(r"!\[[^\]]*\]\((\S+)\)", page) == list(pictures)
    assert "data:image" not in page
    assert "<img" not in page
    for cell in notebook["cells"][1:]:
        assert "".join(cell["source"]).strip() in page


def test_an_unknown_parameter_is_an_error(docs):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": ["known = 1\n", "known + 1"]}
    with pytest.raises(KeyError, match="unknown"):
        docs("run_notebooks").run_notebook({"cells": [cell]}, unknown=2)
    names = docs("run_notebooks").run_notebook({"cells": [cell]}, known=2)
    assert names["known"] == 2
    assert cell["outputs"] == [{"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": ["2"]}}]
