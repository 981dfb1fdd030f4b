"""Versions of what a result depends on: the code of a step, the commit, and the libraries."""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import pathlib
import platform
import subprocess
from collections.abc import Callable, Iterator

PROJECT = "zfnet."
LIBRARIES = ("zfnet", "tensorflow", "keras", "apache-beam", "tensorflow-datasets")
SOURCE = pathlib.Path(__file__).resolve().parents[2]


def code_version(thing: Callable | type) -> str:
    """Fingerprint of the code of a function or class of this project, as 64 hexadecimal digits.

    It covers the module that defines `thing` and every module of this project that is imported there, directly or indirectly, inside
    functions too, but not comments, formatting and docstrings; and the files of a folder without Python beside a module of this project,
    such as the scripts of a web page. A package's `__init__` only re-exports names: it counts where names are
    imported from it, so `from zfnet.model import build` adds all that `zfnet/model/__init__.py` imports, and `from zfnet.model.net.build
    import build` only the imports of that module. Imports by a computed name are not found. Nothing is imported for this.

    Raises:
        ValueError: it was not read from a file.
    """
    source = inspect.getsourcefile(thing)
    if source is None:
        raise ValueError(f"{thing} has no source file to compute its version from.")
    files = {thing.__module__: pathlib.Path(source)}
    waiting = [thing.__module__]
    while waiting:
        module = waiting.pop()
        for name in _imports(module, files[module]):
            if name not in files and (file := _file(name)) is not None:
                files[name] = file
                waiting.append(name)
    code = "".join(f"{module} {ast.dump(_code(file))}\n" for module, file in sorted(files.items()))
    # Beside the module of a user lies anything, such as the photographs and the root of a run.
    data = sorted({each for module, file in files.items() if module.startswith(PROJECT) for each in _data_files(file.parent)})
    return hashlib.sha256(code.encode() + b"".join(each.name.encode() + each.read_bytes() for each in data)).hexdigest()


def _data_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Files of the folders directly in `folder` that hold no Python."""
    below = [each for each in folder.iterdir() if each.is_dir() and each.name != "__pycache__" and not any(each.glob("*.py"))]
    return [file for each in below for file in each.iterdir() if file.is_file()]


@functools.cache
def _file(module: str) -> pathlib.Path | None:
    """Source file of a module of this project, found without importing it."""
    parts = module.split(".")
    if len(parts) < 2:
        return None
    # To find zfnet.model imports only zfnet, whose names are loaded later; to find a module below it would import zfnet.model too.
    room = importlib.util.find_spec(".".join(parts[:2]))
    if room is None or room.origin is None:
        return None
    path = pathlib.Path(room.origin).parent.joinpath(*parts[2:])
    return next((file for file in (path / "__init__.py", path.with_name(f"{path.name}.py")) if file.is_file()), None)


@functools.cache
def _code(file: pathlib.Path) -> ast.Module:
    """Syntax tree of `file` without docstrings, comments and formatting."""
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [statement for statement in body if not _is_text(statement)]
    return tree


def _is_text(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)


def _imports(module: str, file: pathlib.Path) -> Iterator[str]:
    """Names of the modules of this project that `module` imports."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(_code(file)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            # A name imported from a package is a module below it, or else defined or re-exported by the package's own file.
            names = [name if _is_ours(name := f"{origin}.{alias.name}") else origin for alias in node.names]
        else:
            continue
        yield from (name for name in names if _is_ours(name))


def _is_ours(module: str) -> bool:
    return module.startswith(PROJECT) and _file(module) is not None


@functools.cache
def source_commit(directory: pathlib.Path = SOURCE) -> str | None:
    """The git commit of the checkout `directory`: 40 hexadecimal digits, followed by `-dirty` if tracked files were changed.

    None if git is not installed, or `directory` is not the top of a checkout: the project may be installed inside that of another one.
    """
    top = _git(directory, "rev-parse", "--show-toplevel")
    if top is None or pathlib.Path(top) != directory:
        return None
    return _git(directory, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(directory: pathlib.Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", directory, *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def library_versions() -> dict[str, str]:
    """Versions, by name, of Python, this project and the libraries that its results depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}
