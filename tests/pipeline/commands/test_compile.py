import hashlib
import pathlib
import subprocess
import sys
import sysconfig

import pytest
import yaml

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"


@pytest.fixture
def compiled(tmp_path, forked):
    """Runs `zfnet compile`; returns how it ended and what was written."""

    def start(*options: str, program: tuple | None = None) -> tuple[subprocess.CompletedProcess, list[dict]]:
        command = ["compile", "--out", "pipeline.yaml", *options]
        command = [*program, *command] if program else forked([ZFNET, *command])
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        written = tmp_path / "pipeline.yaml"
        return done, list(yaml.safe_load_all(written.read_text())) if written.exists() else []

    return start


def defaults(specification: dict) -> dict:
    return {name: it.get("defaultValue") for name, it in specification["root"]["inputDefinitions"]["parameters"].items()}


def test_configuration_gives_the_defaults(compiled, tmp_path):
    done, [specification] = compiled()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "pipeline.yaml: ExampleGen, StatisticsGen, ExampleValidator, Trainer, Evaluator, Visualizer, Pusher, each in a container of "
        "zfnet:latest",
        "Parameters: architecture, augmentation, batch_size, beam_options, check_seconds, crops, data, decay_epochs, deterministic, "
        "epochs, image_size, keep_checkpoints, keep_every, maps, max_rejected, patience, root, runner, seed, ten_crop, thresholds; "
        "root must be given",
    ]
    chosen = defaults(specification)
    assert (chosen["data"], chosen["epochs"], chosen["patience"], chosen["root"]) == ("photo_patches", 10, 2, None)
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipeline.yaml"]


def test_options_give_the_defaults(compiled):
    done, [specification, platform] = compiled(
        *("--data", "/data/birds", "--epochs", "7", "--image-size", "64", "--ten-crop", "--strict", "--root", "/data/runs"),
        *("--volume", "photographs:/data", "--image", "registry/zfnet:7", "--gpus", "2", "--", "--ExampleGen.direct_num_workers=2"),
    )
    assert done.returncode == 0, done.stderr
    assert "must be given" not in done.stdout
    chosen = defaults(specification)
    assert {
        name: chosen[name]
        for name in ("data", "epochs", "image_size", "ten_crop", "root", "example_gen_beam_options", "statistics_gen_beam_options")
    } == {
        "data": "/data/birds",
        "epochs": 7,
        "image_size": 64,
        "ten_crop": True,
        "root": "/data/runs",
        "example_gen_beam_options": ["--direct_num_workers=2"],
        "statistics_gen_beam_options": [],
    }
    # Left open, it is no parameter.
    assert "batch_size" not in chosen
    assert "anomaly-gate" in specification["root"]["dag"]["tasks"]
    executors = specification["deploymentSpec"]["executors"]
    assert {it["container"]["image"] for it in executors.values()} == {"registry/zfnet:7"}
    assert [name for name, it in executors.items() if "resources" in it["container"]] == ["exec-trainer"]
    assert len(platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]) == len(executors)


def test_start_of_a_fine_tuning_is_a_parameter(compiled, tmp_path):
    (tmp_path / "mine.keras").write_bytes(b"weights")
    options = ("--start-from", str(tmp_path / "mine.keras"), "--freeze", "conv1..conv3", "--layer-rate", "conv4=0.1")
    done, [specification] = compiled(*options)
    assert (done.returncode, done.stderr) == (0, "")
    chosen = defaults(specification)
    assert {name: chosen[name] for name in ("start", "start_digest", "freeze", "layer_rate")} == {
        "start": str(tmp_path / "mine.keras"),
        "start_digest": hashlib.sha256(b"weights").hexdigest(),
        "freeze": "conv1..conv3",
        "layer_rate": "conv4=0.1",
    }
    described = specification["root"]["inputDefinitions"]["parameters"]
    assert described["start"]["description"].startswith("the trained network whose weights the training starts from")
    done, _ = compiled("--start-from", "none.keras")
    assert (done.returncode, done.stderr.splitlines()[0][:34]) == (1, "Error: There is no model file none")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--root", "runs"], "expected an absolute path or gs://bucket/name, not 'runs'"),
        (["--volume", "photographs"], "expected CLAIM:DIR with an absolute DIR"),
        (["--volume", "photographs:data"], "expected CLAIM:DIR with an absolute DIR"),
        (["--gpus", "-1"], "-1 is not in the range"),
        (["--config", "folder"], "folder needs --data"),
        (["--bless", "top1_error_ten_crop<0.2"], "--bless 'top1_error_ten_crop<0.2' needs --ten-crop"),
        (["--freeze", "conv1"], "--freeze needs --start-from: without it, the frozen layers would keep random weights"),
    ],
)
def test_wrong_usage(compiled, options, message):
    done, written = compiled(*options)
    assert (done.returncode, written) == (2, [])
    assert message in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "pipeline.json"], "expected a file that ends in .yaml, not pipeline.json"),
        (["--runner", "DataflowRunner"], "Prepare the photographs with `zfnet examples --runner DataflowRunner`"),
        (["--architecture", "resnet"], "There is no architecture 'resnet'"),
        (["--architecture", "zfnet:conv1.kernal=3"], "conv1.kernal=3: there is no 'kernal' to change"),
    ],
)
def test_failure_is_one_line(compiled, tmp_path, options, message):
    done, _ = compiled(*options)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


WITHOUT_KFP = """
import sys
sys.modules["kfp"] = None
from zfnet.pipeline.cli.main import main
main()
"""
HEAVY = """
import sys
from zfnet.pipeline.cli.main import main
main(standalone_mode=False)
print(sorted({"tensorflow", "keras", "apache_beam"} & sys.modules.keys()))
"""


@pytest.mark.parametrize("data", ["photographs", "./none", "~/photographs"])
def test_data_that_tasks_do_not_find(compiled, tmp_path, data):
    (tmp_path / "photographs").mkdir()
    done, written = compiled("--data", data)
    assert (done.returncode, written) == (1, [])
    assert (
        done.stderr == f"Error: Tasks have no working directory in common: expected the absolute path of DATA as they see it, not {data}.\n"
    )


@pytest.mark.parametrize("start", ["mine.keras", "./mine.keras", "imgclsmob:zfnet?weights=mine.keras"])
def test_start_that_tasks_do_not_find(compiled, tmp_path, start):
    (tmp_path / "mine.keras").write_bytes(b"weights")
    done, written = compiled("--start-from", start)
    assert (done.returncode, written) == (1, [])
    file = start.rpartition("=")[2]
    common = "Tasks have no working directory in common"
    assert done.stderr == f"Error: {common}: expected the absolute path of --start-from as they see it, not {file}.\n"


def test_missing_sdk_is_named(compiled):
    done, _ = compiled(program=(sys.executable, "-c", WITHOUT_KFP))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: zfnet compile needs the SDK of Kubeflow Pipelines: pip install --editable '.[kfp]'\n"


def test_nothing_heavy_is_imported(compiled):
    done, _ = compiled(program=(sys.executable, "-c", HEAVY))
    assert done.stdout.splitlines()[-1] == "[]"
