import os
import shutil
import subprocess

import pytest

from zfnet.pipeline.source_commit import source_commit

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


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
