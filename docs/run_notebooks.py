"""Runs the notebooks of the documentation, and stores in them what they printed and drew.

    python docs/run_notebooks.py
    python docs/run_notebooks.py look_into_vgg16

Cells run one after the other in one namespace, as in Jupyter, which is not needed. A cell shows what it prints, and the value of its last
line. The tests run the same cells with other values for the names in the cell that has the tag `parameters`.
"""

import ast
import base64
import contextlib
import io
import json
import linecache
import os
import pathlib
import sys
import tempfile
from typing import Any

NOTEBOOKS = pathlib.Path(__file__).resolve().parent / "notebooks"


def read_notebook(name: str) -> dict[str, Any]:
    """Reads a notebook of the documentation by its name, without `.ipynb`."""
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))


def run_notebook(notebook: dict[str, Any], **parameters) -> dict[str, Any]:
    """Runs the cells of a notebook in the current directory, and replaces their outputs.

    Args:
        notebook: the content of an `.ipynb` file, format 4.
        parameters: values for names that the cell tagged `parameters` sets.

    Returns:
        The names that the cells have set.

    Raises:
        KeyError: no cell tagged `parameters` sets a name of `parameters`.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    open_parameters = set(parameters)
    for number, cell in enumerate(cell for cell in notebook["cells"] if cell["cell_type"] == "code"):
        cell["execution_count"] = number + 1
        cell["outputs"] = run_cell("".join(cell["source"]), names, number + 1)
        if "parameters" in cell["metadata"].get("tags", []):
            open_parameters -= set(names)
            names.update(parameters)
    if open_parameters:
        raise KeyError(f"No cell tagged `parameters` sets {', '.join(sorted(open_parameters))}.")
    return names


def run_cell(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Runs one cell, and returns its outputs as a notebook stores them."""
    *statements, last = ast.parse(source).body
    outputs, value, file = [], None, f"<cell {number}>"
    # TensorFlow reads the source of functions.
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(statements, []), file, "exec"), names)
            value = eval(compile(ast.Expression(last.value), file, "eval"), names)
        else:
            exec(compile(source, file, "exec"), names)
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(keepends=True)})
    if value is not None:
        outputs.append({"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": shown(value)})
    return outputs


def shown(value: Any) -> dict[str, Any]:
    """The forms of a value that a notebook stores, by their MIME types: pictures as PNG or HTML if it has any, and always text."""
    data: dict[str, Any] = {}
    if picture := getattr(value, "_repr_png_", lambda: None)():
        data["image/png"] = base64.b64encode(picture).decode()
    elif page := getattr(value, "_repr_html_", lambda: None)():
        data["text/html"] = page.splitlines(keepends=True)
    return data | {"text/plain": ([type(value).__name__] if data else repr(value).splitlines(keepends=True))}


def main(*chosen: str) -> None:
    """Runs notebooks by their names, or all, each in an empty directory, and writes them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in chosen or sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")):
        notebook = read_notebook(name)
        with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
            run_notebook(notebook)
        (NOTEBOOKS / f"{name}.ipynb").write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
