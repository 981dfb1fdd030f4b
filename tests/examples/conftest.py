import importlib
import pathlib

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def example(monkeypatch):
    """Imports one of the scripts by its name."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module
