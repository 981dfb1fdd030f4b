"""`zfnet run` killed at any moment, in any step, and run again."""

import collections
import io
import json
import pathlib
import random
import signal
import subprocess
import sysconfig
import time
import zipfile

import h5py
import numpy as np
import pytest

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
# A checkpoint after every step of the training, so that kills in the middle of an epoch have something to go on from.
OPTIONS = ["--image-size", "56", "--epochs", "3", "--batch-size", "8", "--checkpoint-minutes", "0"]


@pytest.fixture(scope="module")
def start(folder, forked):
    def start(root) -> subprocess.Popen:
        command = forked([ZFNET, "run", "--data", folder, "--root", root, *OPTIONS])
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return start


def weights(root) -> dict[str, np.ndarray]:
    """All weights of the trained model, by name."""
    model = json.loads((root / "run.json").read_text())["artifacts"]["model"]
    found = {}
    with zipfile.ZipFile(root / model) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, entry: found.update({name: entry[()]}) if isinstance(entry, h5py.Dataset) else None)
    return found


def assert_same(root, never) -> None:
    run, expected = (json.loads((directory / "run.json").read_text()) for directory in (root, never))
    for part in ("status", "metrics", "examples", "anomalies"):
        assert run[part] == expected[part]
    one, other = weights(root), weights(never)
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)
    drawn, should = ({path.name: path.read_bytes() for path in (directory / "figures").glob("*.png")} for directory in (root, never))
    assert drawn == should
    assert len(list((root / "serving").iterdir())) == 1


@pytest.fixture(scope="module")
def never(start, tmp_path_factory):
    """A run that was not killed, and the seconds that each of its steps took."""
    root = tmp_path_factory.mktemp("never") / "root"
    with start(root) as process:
        output = process.stdout.read()
    assert process.returncode == 0, output
    return root, json.loads((root / "run.json").read_text())["seconds"]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kills", [2, pytest.param(24, marks=pytest.mark.slow)])
def test_the_same_as_never_killed(start, never, tmp_path, kills):
    expected, seconds = never
    moments, killed, finished = random.Random(kills), collections.Counter(), 0
    root = tmp_path / "0"
    while killed.total() < kills:
        # The training takes longest, and has most to lose.
        step = moments.choice([*seconds, "Trainer", "Trainer"])
        with start(root) as process:
            for line in process.stdout:
                if line.split() == [step, "started"]:
                    time.sleep(moments.random() * seconds[step])
                    process.send_signal(signal.SIGKILL)
        if process.returncode == -signal.SIGKILL:
            killed[step] += 1
        else:  # The step was done already, or faster than its killer.
            assert process.returncode == 0
            assert_same(root, expected)
            finished += 1
            root = tmp_path / str(finished)
    with start(root) as process:
        output = process.stdout.read()
    assert process.returncode == 0, output
    assert_same(root, expected)
    print(f"killed in {dict(killed)}; {finished + 1} runs came to their end")
