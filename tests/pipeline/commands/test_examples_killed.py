"""`zfnet examples` killed at any moment, and run again."""

import pathlib
import random
import signal
import subprocess
import sysconfig
import time

import numpy as np
import pytest
from PIL import Image

from zfnet.components.artifacts import Examples

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Enough of them that preparing takes a while."""
    root = tmp_path_factory.mktemp("photographs")
    for number in range(900):
        path = root / ("cat", "dog")[number % 2] / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        if number < 30:
            pixels = np.random.default_rng(number).integers(0, 256, (300, 400, 3), np.uint8)
            Image.fromarray(pixels).save(path)
        else:
            path.hardlink_to(root / ("cat", "dog")[number % 2] / f"{number % 30}.jpg")
    (root / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return root


@pytest.fixture
def start(photographs, forked):
    def start(out) -> subprocess.Popen:
        command = forked([ZFNET, "examples", photographs, "--out", out, "--num-shards", "12"])
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return start


def whole(directory) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_the_same_files_as_never_killed(start, tmp_path, kills):
    began = time.monotonic()
    with start(tmp_path / "never") as process:
        assert process.wait() == 0, process.stdout.read()
    takes = time.monotonic() - began
    out = tmp_path / "killed"
    beside = tmp_path / ".killed.partial" / "output"
    moments = random.Random(kills)
    seen = []
    while len(seen) < kills:
        with start(out) as process:
            time.sleep(moments.uniform(0.3, 1) * takes)
            process.send_signal(signal.SIGKILL)
        if out.exists():  # it was faster than its killer
            assert whole(out) == whole(tmp_path / "never")
            for path in out.iterdir():
                path.unlink()
            out.rmdir()
        else:
            seen.append([path.name for path in beside.iterdir()] if beside.exists() else [])
            assert "manifest.json" not in seen[-1]
    with start(out) as process:
        assert process.wait() == 0, process.stdout.read()
    assert whole(out) == whole(tmp_path / "never")
    assert len(Examples(out).shards("train")) == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "never"]
    assert any(seen), "no moment was caught at which anything was written"
