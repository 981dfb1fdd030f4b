"""The documentation builds without a warning, and its code does what it says."""

import pathlib
import re
import subprocess
import sys

import numpy as np

import zfnet
from zfnet.model.deconvnet.rules.chosen import choices

ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    reference = (tmp_path / "site" / "reference" / "index.html").read_text()
    assert "zfnet.receptive_field" in reference
    assert "--max-rejected" in (tmp_path / "site" / "commands" / "index.html").read_text()
    # Whatever MkDocs is told to leave out.
    assert not list((tmp_path / "site").rglob("*.py"))


def test_code_of_a_layer_of_your_own(monkeypatch):
    monkeypatch.setattr(choices, "REGISTERED", {})
    page, names = (ROOT / "docs" / "own_layers.md").read_text(), {}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(code, "own_layers.md", "exec"), names)
    assert names["projections"].shape == names["other"].shape == names["patterns"].shape == (4, 64, 64, 3)
    assert np.abs(names["projections"] - names["other"]).max() > 0
    sizes = [zfnet.receptive_field(names[deconvnet], "conv2").size for deconvnet in ("scaled", "deconvnet")]
    assert [str(size) for size in sizes] == re.findall(r"receptive_field\(.*\)\.size  # (.*)", page)
    # The tables name every rule, and every layer with one of later papers.
    tables = "".join(line for line in page.splitlines() if line.startswith("|"))
    assert set(re.findall(r'`"([a-z-]+)"`', tables)) == set(choices.NAMED)
