"""The documentation builds without a warning."""

import pathlib
import subprocess
import sys

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
