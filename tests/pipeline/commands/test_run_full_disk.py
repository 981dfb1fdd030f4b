"""`zfnet run` on a disk that gets full."""

import json
import pathlib
import subprocess
import sysconfig

import pytest

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 30 MiB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", place], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a file system can't be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_one_line_and_nothing_lost(folder, small_disk, forked):
    root = small_disk / "root"
    command = forked([ZFNET, "run", "--data", folder, "--root", root, "--image-size", "56", "--epochs", "3", "--batch-size", "8"])
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 1, failed.stdout
    (line,) = failed.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "The disk is full" in line or "No space left on device" in line
    assert "the same command again" in line or "the same command continues" in line
    assert json.loads((root / "run.json").read_text())["status"] == "failed"
    subprocess.run(["mount", "-o", "remount,size=400m", small_disk], check=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((root / "run.json").read_text())["status"] == "done"
    # It went on: at least one epoch had its checkpoint before the disk was full.
    assert "Epoch 1/3" in failed.stdout
    assert "Epoch 1/3" not in done.stdout
