"""Imports classes and functions of a user's own modules, which a model file names."""

import contextlib
import importlib
import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any


def import_custom_objects(names: Sequence[str]) -> dict[str, Any]:
    """Imports layers and functions that model files need: by their own names, from `module:Class` each.

    Modules are those that are installed, and files of the working directory. To import a module runs its code.

    Raises:
        ValueError: a name has another form, or there is no such module, or nothing of that name in it.

    Examples:
        >>> list(import_custom_objects(["keras.layers:Dense", "keras.activations:relu"]))
        ['Dense', 'relu']
    """
    return {name.rpartition(":")[2]: _imported(name) for name in names}


def _imported(name: str) -> Any:
    module, _, wanted = name.partition(":")
    if not wanted or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"--custom-objects {name}: expected MODULE:NAME, such as my_layers:Attention for class Attention in my_layers.py.")
    try:
        with _working_directory():
            found = importlib.import_module(module)
    except ImportError as error:
        reason = f"{module} can't be imported: {error}; expected an installed module, or a file in {pathlib.Path.cwd()}."
        raise ValueError(f"--custom-objects {name}: {reason}") from error
    if not hasattr(found, wanted):
        file = getattr(found, "__file__", None) or module
        raise ValueError(f"--custom-objects {name}: there is no {wanted} in {file}.")
    return getattr(found, wanted)


@contextlib.contextmanager
def _working_directory() -> Iterator[None]:
    """Modules of the working directory can be imported, after all others."""
    before = list(sys.path)
    sys.path.append(str(pathlib.Path.cwd()))
    try:
        yield
    finally:
        sys.path[:] = before
