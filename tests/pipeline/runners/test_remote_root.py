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
def zfnet(cloud_storage, forked_in_cloud, tmp_path_factory):
    """Runs a command of `zfnet` where the bucket is found, in a directory that is all it may write."""
    directory = tmp_path_factory.mktemp("machine")

    def run(*arguments: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, **cloud_storage, "XDG_CACHE_HOME": str(directory / "cache"), "TMPDIR": str(directory)}
        return subprocess.run(
            forked_in_cloud([ZFNET, *arguments]), cwd=directory, env=environment, capture_output=True, text=True, timeout=400
        )

    run.directory = directory
    return run


@pytest.fixture(scope="module")
def run(zfnet, folder):
    """Runs the pipeline on the photographs under ROOT; returns what came of it."""

    def start(*options: str) -> subprocess.CompletedProcess:
        fixed = ["--data", str(folder), "--root", ROOT, "--image-size", "56", "--batch-size", "8", "--architecture", "zfnet-small"]
        done = zfnet("run", *fixed, *options)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return done

    return start


@pytest.fixture(scope="module")
def first(run, fetch):
    """The objects that a run of one epoch left under ROOT."""
    run("--epochs", "1")
    return fetch("runs/one/")


pytestmark = pytest.mark.timeout(900)


def test_everything_lies_under_the_root(first, zfnet):
    summary = json.loads(first["run.json"])
    assert (summary["status"], list(summary["seconds"]), summary["cached"]) == ("done", STEPS, [])
    assert summary["artifacts"]["model"] == "trainer/4/model/model.keras"
    for path in summary["artifacts"].values():
        assert any(name == path or name.startswith(f"{path}/") for name in first), path
    assert "serving/1/saved_model.pb" in first
    pictures = {name.partition("/")[2] for name in first if name.startswith("figures/") and name.endswith(".png")}
    assert {"gallery_conv1.png", "evolution_conv5.png", "filters_conv1.png"} <= pictures
    training, *_ = {name.split("/")[1] for name in first if name.startswith("tensorboard/zfnet-small")}
    for log in ("train", "validation", "gallery"):
        assert [name for name in first if name.startswith(f"tensorboard/{training}/{log}/events.out")]
    assert [name for name in first if name.startswith("tensorboard/examples-")]
    assert [name for name in first if "checkpoints" in name and name.endswith("epoch-0001/variables.npz")]
    assert not [name for name in first if name == "lock" or "partial" in name]
    # On this machine only the cache is left.
    assert [entry.name for entry in zfnet.directory.iterdir()] == ["cache"]


@pytest.mark.slow
def test_files_are_those_that_a_local_root_gets(first, zfnet, folder, tmp_path):
    fixed = ["--data", str(folder), "--image-size", "56", "--batch-size", "8", "--architecture", "zfnet-small", "--epochs", "1"]
    assert zfnet("run", *fixed, "--root", str(tmp_path)).returncode == 0
    local = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    logs = [{name.rpartition("/")[0] for name in names if name.startswith("tensorboard/")} for names in (local, first)]
    assert logs[0] == logs[1]
    names = [{name for name in names if not name.startswith("tensorboard/") and name != "lock"} for names in (local, first)]
    assert names[0] == names[1]
    # Zip files, HDF5 and a SavedModel are other bytes each time.
    timed = ("run.json", "metadata.sqlite", ".keras", ".h5")
    assert {name for name in names[0] if local[name] != first[name] and not name.endswith(timed)} <= {
        name for name in names[0] if name.startswith("serving/")
    }


def test_run_again_has_nothing_to_do(first, run, fetch):
    done = run("--epochs", "1")
    assert [line.split() for line in done.stdout.splitlines()[: len(STEPS)]] == [[step, "unchanged"] for step in STEPS]
    again = fetch("runs/one/")
    assert json.loads(again["run.json"])["cached"] == STEPS
    changed = {name for name in first.keys() | again.keys() if first.get(name) != again.get(name)}
    assert changed == {"run.json", "metadata.sqlite"}


@pytest.mark.slow
def test_more_epochs_go_on_from_the_checkpoint(first, run, fetch):
    done = run("--epochs", "2")
    assert "Epoch 2/2" in done.stdout
    assert "Epoch 1/2" not in done.stdout
    files = fetch("runs/one/")
    summary = json.loads(files["run.json"])
    assert summary["cached"] == STEPS[:3]
    assert len(json.loads(files[summary["artifacts"]["model"].replace("model.keras", "history.json")])) == 2


def test_commands_take_a_remote_root(first, zfnet, folder, tmp_path):
    runs = zfnet("runs", "--root", ROOT)
    assert (runs.returncode, runs.stderr) == (0, "")
    assert "trainer/4/model" in runs.stdout
    lineage = zfnet("runs", "--root", ROOT, "--lineage", "1", "--json")
    trainer = json.loads(lineage.stdout)["inputs"]["model"]["made_by"]
    assert trainer["parameters"]["epochs"] == 1
    assert trainer["inputs"]["examples"]["made_by"]["fingerprints"]["source"].startswith("folder:")

    projected = zfnet("project", ROOT, str(folder / "red/1.png"), "--layer", "conv3", "--out", str(tmp_path / "red.png"))
    assert (projected.returncode, projected.stderr) == (0, "")
    with Image.open(tmp_path / "red.png") as picture:
        picture.verify()
    gallery = zfnet("gallery", ROOT, "--layer", "conv2", "--maps", "2", "--out", str(tmp_path / "gallery"))
    assert (gallery.returncode, gallery.stderr) == (0, "")
    assert (tmp_path / "gallery/gallery_conv2.png").is_file()


def test_root_with_nothing_in_it(zfnet):
    done = zfnet("runs", "--root", "gs://photos/nothing")
    assert (done.returncode, done.stderr.startswith("Error: Nothing ran under gs://photos/nothing yet.")) == (1, True)
