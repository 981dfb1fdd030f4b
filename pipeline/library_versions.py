"""Which versions of what made something, read from the installed packages without importing them."""

import importlib.metadata
import platform

LIBRARIES = ("zfnet", "tensorflow", "keras", "apache-beam", "tensorflow-datasets")


def library_versions() -> dict[str, str]:
    """Versions by name: of Python, of this project and of the libraries that its results depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}
