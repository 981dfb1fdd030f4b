import importlib.metadata
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import pytest

from zfnet.pipeline.orchestration import versions as module
from zfnet.pipeline.orchestration.versions import library_versions, source_commit

FILES = {
    "components/__init__.py": "",
    "components/look.py": '''
"""A step."""

import json


def look(x):
    """Looks."""
    import zfnet.components.eyes
    from zfnet.model.lenses import focus

    return focus(x)
''',
    "components/eyes.py": "from .eyelids import blink\n",
    "components/eyelids.py": "def blink(x):\n    return x\n",
    "model/__init__.py": "raise RuntimeError('The model was imported.')\n",
    "model/lenses/__init__.py": "from zfnet.model.lenses.convex import focus\n",
    "model/lenses/convex.py": "from zfnet.model import glass\n\ndef focus(x):\n    return 2 * x\n",
    "model/glass.py": "index = 1.5\n",
    "model/unused.py": "answer = 42\n",
    "components/page/page.js": "show(1);\n",
    "pipeline/__init__.py": "",
    "pipeline/page/other.js": "show(2);\n",
}
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def project(tmp_path):
    """A project laid out as a plain install has it, on the path of a Python that has no site-packages."""
    for name, text in FILES.items():
        file = tmp_path / "zfnet" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "zfnet/pipeline/orchestration").mkdir(parents=True)
    shutil.copy(module.__file__, tmp_path / "zfnet/pipeline/orchestration")
    return tmp_path


def version(project: pathlib.Path) -> str:
    """The version of look() as a new process reckons it."""
    program = (
        "from zfnet.components.look import look; from zfnet.pipeline.orchestration.versions import code_version;print(code_version(look))"
    )
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", "-c", program]
    # Not in the directory of this project, whose own zfnet would be found first.
    return subprocess.run(command, env=environment, cwd=project, check=True, capture_output=True, text=True).stdout


def edit(project: pathlib.Path, name: str, old: str, new: str) -> None:
    file = project / "zfnet" / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("components/look.py", "return focus(x)", "return focus(x + 1)"),
        ("components/eyes.py", "import blink", "import blink as wink"),
        ("components/eyelids.py", "return x", "return -x"),
        ("model/lenses/__init__.py", "import focus", "import focus, glass"),
        ("model/lenses/convex.py", "2 * x", "3 * x"),
        ("model/glass.py", "1.5", "1.6"),
        ("components/page/page.js", "1", "3"),
    ],
)
def test_code_that_is_used_counts(project, name, old, new):
    before = version(project)
    edit(project, name, old, new)
    assert version(project) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("components/look.py", '"""A step."""', '"""The step\n\nwith more to say.\n"""'),
        ("components/look.py", '    """Looks."""\n', ""),
        ("components/look.py", "return focus(x)", "return focus(\n        x  # what is seen\n    )"),
        ("model/glass.py", "index", "# of refraction\nindex"),
        ("model/unused.py", "42", "43"),
        ("model/__init__.py", "imported", "imported again"),
        ("pipeline/page/other.js", "2", "3"),
    ],
)
def test_documentation_and_code_that_is_not_used_do_not_count(project, name, old, new):
    before = version(project)
    edit(project, name, old, new)
    assert version(project) == before


def test_modules_of_this_installation_are_found_without_being_imported():
    program = """
import sys
from zfnet.pipeline.orchestration import versions
print(versions._file("zfnet.model.net.build"), "zfnet.model" in sys.modules)
"""
    found, imported = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert pathlib.Path(found).parts[-3:] == ("model", "net", "build.py")
    assert imported == "False"


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Runs git in a new repository with one file."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "nobody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "nobody@example.org")

    def run(*arguments: str) -> str:
        return subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    run("init", "--quiet")
    (tmp_path / "code.py").write_text("1")
    run("add", "code.py")
    run("commit", "--quiet", "--message", "One")
    return run


def commit_of(directory) -> str | None:
    source_commit.cache_clear()  # a process asks once
    return source_commit(directory)


def test_commit_of_a_checkout(git, tmp_path):
    git("tag", "v1")
    assert commit_of(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "notes").touch()  # unknown to git
    assert commit_of(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "code.py").write_text("2")
    assert commit_of(tmp_path) == git("rev-parse", "HEAD") + "-dirty"


def test_checkout_of_something_else_around_it_does_not_count(git, tmp_path):
    (tmp_path / "site-packages").mkdir()
    assert commit_of(tmp_path / "site-packages") is None


def test_no_checkout_and_no_git(tmp_path, monkeypatch):
    assert commit_of(tmp_path) is None
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert commit_of(tmp_path) is None


def test_versions_are_those_installed():
    versions = library_versions()
    assert list(versions) == ["python", "zfnet", "tensorflow", "keras", "apache-beam", "tensorflow-datasets"]
    assert versions["python"] == platform.python_version()
    assert versions["keras"] == importlib.metadata.version("keras")
