"""The documentation: it builds without a warning, its commands are ones that there are, and its Python runs."""

import pathlib
import re
import shlex
import subprocess
import sys

import click
import pytest

from zfnet.pipeline.cli import main

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    reference = (tmp_path / "site" / "reference" / "index.html").read_text()
    assert "zfnet.model.receptive_field" in reference
    assert "--max-rejected" in (tmp_path / "site" / "commands" / "index.html").read_text()
    # Whatever MkDocs is told to leave out.
    assert not list((tmp_path / "site").rglob("*.py"))


def commands(page):
    """Every call of `zfnet` in the blocks of code of a page, as words."""
    for block in re.findall(r"^ *```(?:bash|console)?\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if found := re.fullmatch(r"\s*(?:\w+=\S+ )*(?:\.venv/bin/)?zfnet (.*?)(?:\s+#.*)?", line):
                yield shlex.split(found[1].replace("[MODEL ...]", "MODEL"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_understood(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, *arguments in commands(page):
        command = main.get_command(click.Context(main), name)
        assert command is not None, f"{page.name}: zfnet {name}"
        # Wrong options, numbers and choices end it with what is wrong.
        command.make_context(name, list(arguments), resilient_parsing=False)


def test_enough_commands_are_found():
    found = {words[0] for page in PAGES for words in commands(page)}
    assert {"run", "examples", "evaluate", "gallery", "filters", "compare", "tensorboard", "report"} <= found
