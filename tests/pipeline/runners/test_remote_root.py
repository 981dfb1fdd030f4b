"""The whole pipeline under a root in Cloud Storage, on a server that stands in for it."""

import json
import os
import pathlib
import subprocess
import sysconfig

import numpy as np
import pytest
from PIL import Image

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
ROOT = "gs://photos/runs/one"
STEPS = ["ExampleGen", "StatisticsGen", "ExampleValidator", "Trainer", "Evaluator", "Visualizer", "Pusher"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photographs of two classes that a net can tell apart by colour."""
    root = tmp_path_factory.mktemp("coloured")
    for name, colour in (("blue", (40, 60, 200)), ("red", (210, 50, 40))):
        (root / name).mkdir()
        for number in range(30):
            noise = np.random.default_rng([number, *colour]).normal(scale=40, size=(70 + number, 90, 3))
            Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8)).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def zfnet(bucket, tmp_path_factory):
    """Runs a command of `zfnet` with the bucket, in a directory of its own."""
    directory = tmp_path_factory.mktemp("machine")

    def run(*arguments: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, **bucket, "XDG_CACHE_HOME": str(directory / "cache"), "TMPDIR": str(directory)}
        return subprocess.run([ZFNET, *arguments], cwd=directory, env=environment, capture_output=True, text=True, timeout=400)

    run.directory = directory
    return run


@pytest.mark.timeout(900)
def test_whole_run_under_a_remote_root(zfnet, fetch, folder):
    run = ["run", "--data", str(folder), "--root", ROOT, "--image-size", "56", "--batch-size", "8", "--architecture", "zfnet-small"]
    first = zfnet(*run, "--epochs", "1")
    assert first.returncode in (0, 3), first.stdout + first.stderr
    files = fetch("runs/one/")
    summary = json.loads(files["run.json"])
    assert list(summary["seconds"]) == STEPS
    print(sorted(files))
    print(first.stdout, first.stderr)
    print(list(zfnet.directory.rglob("*")))
