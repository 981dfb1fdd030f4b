"""The rules of the house: which way imports run, how many files a folder holds, and how files are called."""

import ast
import graphlib
import itertools
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
# From the top down: each may import those after it.
FLOORS = "pipeline", "components", "model"
FILES = {path.relative_to(ROOT) for floor in FLOORS for path in (ROOT / floor).rglob("*.py")}
FOLDERS = sorted({folder for file in FILES for folder in file.parents if folder != pathlib.Path()})
MOST_FILES, MOST_LINES = 16, 300
# One file a command, however many commands there are.
UNBOUNDED = {pathlib.Path("pipeline/commands")}
NAMELESS = {"base", "common", "helpers", "misc", "tools", "util", "utils"}


def _file(module: str) -> pathlib.Path | None:
    path = pathlib.Path(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file in FILES), None)


def is_import(node: ast.AST) -> bool:
    """Whether a node is an import statement."""
    return isinstance(node, ast.Import | ast.ImportFrom)


def _imports(file: pathlib.Path) -> set[pathlib.Path]:
    """The files of this project that a file imports, inside functions and for types alone too."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("zfnet."):
            for alias in node.names:
                found.add(_file(f"{node.module}.{alias.name}") or _file(node.module))
        elif isinstance(node, ast.Import):
            found |= {_file(alias.name) for alias in node.names if alias.name.startswith("zfnet.")}
    return found - {None, file}


# A package's __init__ only hands names on.
IMPORTS = {file: _imports(file) for file in FILES if file.name != "__init__.py"}


def test_imports_run_one_way():
    wrong = [
        f"{file} imports {other}"
        for file, others in IMPORTS.items()
        for other in others
        if FLOORS.index(file.parts[0]) > FLOORS.index(other.parts[0])
    ]
    assert wrong == []


def test_no_circle_of_files():
    graphlib.TopologicalSorter(IMPORTS).prepare()


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_no_circle_of_rooms(folder):
    """Files and folders of one folder, where a folder imports what any file in it imports."""
    rooms: dict[str, set[str]] = {}
    for file, others in IMPORTS.items():
        if folder in file.parents:
            depth = len(folder.parts)
            rooms.setdefault(file.parts[depth], set()).update(
                other.parts[depth] for other in others if folder in other.parents and other.parts[depth] != file.parts[depth]
            )
    graphlib.TopologicalSorter(rooms).prepare()


def test_folders_are_small():
    sizes = {folder: sum(file.parent == folder and file.name != "__init__.py" for file in FILES) for folder in FOLDERS}
    assert {str(folder): size for folder, size in sizes.items() if size > MOST_FILES and folder not in UNBOUNDED} == {}


def test_files_are_small():
    sizes = {str(file): len((ROOT / file).read_text().splitlines()) for file in FILES}
    assert {name: size for name, size in sizes.items() if size > MOST_LINES} == {}


def test_names_say_something():
    names = itertools.chain((file.stem for file in FILES), (folder.name for folder in FOLDERS))
    assert NAMELESS.intersection(names) == set()
