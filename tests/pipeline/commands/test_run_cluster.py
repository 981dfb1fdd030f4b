"""`zfnet run` on two machines, for which two processes on loopback stand in."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sysconfig
import time

import keras
import numpy as np
import pytest

from zfnet.model.net.build import build

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"


def addresses(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    found = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return found


@pytest.fixture
def machines(folder, tmp_path):
    """Starts `zfnet run` on a machine of a cluster of two; whatever still runs is killed in the end."""
    workers, started = addresses(2), []

    def start(index, *options):
        config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        command = [ZFNET, "run", "--data", folder, "--root", tmp_path / "root", "--image-size", "56", "--batch-size", "8", *options]
        with (tmp_path / f"output-{index}").open("ab") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, env=os.environ | {"TF_CONFIG": json.dumps(config)}, start_new_session=True
            )
        started.append(process)
        return process

    yield start
    for process in started:
        kill(process)


def kill(process):
    """The command and the process that trains for it, as when a machine goes down."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def wait_for(file, pattern, seconds=200):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := re.search(pattern, file.read_text()):
            return found
        time.sleep(0.1)
    raise AssertionError(f"no {pattern!r} in: {file.read_text()}")


@pytest.mark.timeout(500)
@pytest.mark.parametrize("lost", [1, pytest.param(0, marks=pytest.mark.slow)])
def test_a_machine_that_comes_back_goes_on_from_the_last_checkpoint(machines, tmp_path, lost):
    options = ["--epochs", "4"]
    running = {index: machines(index, *options) for index in (0, 1)}
    chief = tmp_path / "output-0"
    wait_for(chief, "Epoch 3/4")
    kill(running[lost])
    running[lost] = machines(lost, *options)
    for index, process in running.items():
        assert process.wait(timeout=200) == 0, (tmp_path / f"output-{index}").read_text()
    if lost == 1:
        assert int(wait_for(chief, r"(?s)A machine of the cluster was lost.*?Epoch (\d+)/4")[1]) >= 3
        assert "joined the run" in (tmp_path / "output-1").read_text()
    # No epoch was trained again from the beginning.
    assert len(re.findall("Epoch 1/4", chief.read_text())) == 1
    history, recipe = trained(tmp_path / "root")
    assert (len(history), recipe["replicas"]) == (4, 2)
    assert history[2]["val_loss"] < history[1]["val_loss"] < history[0]["val_loss"]
    assert not list((tmp_path / "root").glob("trainer/*/cluster.json"))
    if lost == 0:  # The first machine: with an undisturbed run to compare with, this takes longer.
        (tmp_path / "root").rename(tmp_path / "disturbed")
        for process in [machines(index, *options) for index in (0, 1)]:
            assert process.wait(timeout=200) == 0
        assert trained(tmp_path / "root")[0] == history


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_ctrl_c_at_the_first_machine_loses_no_step(machines, tmp_path):
    options = ["--epochs", "4"]
    first, second = (machines(index, *options) for index in (0, 1))
    wait_for(tmp_path / "output-0", "Epoch 3/4")
    os.killpg(first.pid, signal.SIGINT)
    assert (first.wait(timeout=60), second.wait(timeout=60)) == (1, 1)
    assert "Interrupted. Run the same command again" in (tmp_path / "output-0").read_text()
    assert "The run of the first machine failed: Interrupted" in (tmp_path / "output-1").read_text()
    kept = max((tmp_path / "root").glob("trainer/checkpoints-*/epoch-*"), key=lambda path: path.stat().st_mtime)
    state = json.loads((kept / "state.json").read_text())
    with np.load(kept / "variables.npz") as variables:
        # The optimizer's count of steps, which comes after the weights.
        counts = [int(variables[name]) for name in variables.files if variables[name].dtype.kind == "i" and variables[name].shape == ()]
    assert counts == [8 * state["epoch"] + state["step"]]
    for process in [machines(index, *options) for index in (0, 1)]:
        assert process.wait(timeout=200) == 0
    assert len(trained(tmp_path / "root")[0]) == 4


def trained(root):
    folder = (root / json.loads((root / "run.json").read_text())["artifacts"]["model"]).parent
    return [json.loads((folder / name).read_text()) for name in ("history.json", "recipe.json")]


@pytest.mark.timeout(300)
def test_machines_start_from_the_same_network(machines, tmp_path):
    mine = build("zfnet-small", (56, 56, 3), 3, mean_image=np.full((56, 56, 3), 127.0), seed=5)
    mine.save(tmp_path / "mine.keras")
    options = ["--epochs", "1", "--start-from", tmp_path / "mine.keras", "--freeze", "conv1..conv2", "--layer-rate", "conv3..conv5=0.1"]
    for index in (0, 1):
        machines(index, *options)
    wait_for(tmp_path / "output-0", r"Evaluator +started")  # which works on one machine, as the rest
    [model] = tmp_path.glob("root/trainer/*/model/model.keras")
    recipe = json.loads(model.with_name("recipe.json").read_text())
    assert (recipe["replicas"], recipe["new_layers"]) == (2, ["predictions"])
    after = keras.saving.load_model(model, compile=False)
    changed = {
        name: not np.array_equal(mine.get_layer(name).kernel, after.get_layer(name).kernel) for name in ("conv1", "conv2", "conv3", "fc6")
    }
    assert changed == {"conv1": False, "conv2": False, "conv3": True, "fc6": True}


def test_the_first_machine_tells_the_others_that_it_failed(machines, tmp_path):
    follower = machines(1)
    # A run that ends before it looks would be an earlier one, which it does not follow.
    wait_for(tmp_path / "output-1", "waiting for the run of the first machine")
    first = machines(0, "--architecture", "unknown")
    assert (first.wait(timeout=60), follower.wait(timeout=60)) == (1, 1)
    assert "The run of the first machine failed: There is no architecture 'unknown'" in (tmp_path / "output-1").read_text()
