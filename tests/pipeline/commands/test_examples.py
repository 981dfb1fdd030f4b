import pathlib
import subprocess
import sysconfig

import pytest
from PIL import Image

from zfnet.components.artifacts import Examples


@pytest.fixture
def prepare(tmp_path, forked):
    """Runs `zfnet examples DATA --out prepared` beside a folder of photographs."""
    for name in ("cat", "dog"):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (60 + number, 40), "grey").save(tmp_path / "photographs" / name / f"{number}.png")
    (tmp_path / "empty").mkdir()
    zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"

    def run(data: str, *options: str, cwd: str = ".") -> subprocess.CompletedProcess:
        command = [zfnet, "examples", data, "--out", "prepared", "--image-size", "28", *options]
        return subprocess.run(forked(command), cwd=tmp_path / cwd, capture_output=True, text=True)

    return run


def test_examples_are_prepared_once(prepare, tmp_path):
    killed = tmp_path / ".prepared.partial" / "examples"
    killed.mkdir(parents=True)
    (killed / "half").touch()
    done = prepare("photographs", "--num-shards", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "photographs", "prepared"]
    assert not (tmp_path / "prepared" / "half").exists()
    examples = Examples(tmp_path / "prepared")
    assert examples.count("train") + examples.count("validation") == 10
    assert done.stdout == f"prepared: {examples.count('train')} for train, {examples.count('validation')} for validation, of 2 classes\n"
    assert (examples.image_size, len(examples.shards("train"))) == (28, 2)

    again = prepare("photographs")
    assert (again.returncode, again.stderr) == (1, "Error: prepared is not empty. Give another directory with --out, or empty it.\n")
    assert Examples(tmp_path / "prepared").digest() == examples.digest()


def test_failure_leaves_nothing(prepare, tmp_path):
    done = prepare("empty")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "photographs"]


def test_examples_are_not_written_among_the_photographs(prepare, tmp_path):
    done = prepare(".", cwd="photographs")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "prepared lies inside of DATA ." in done.stderr
    assert sorted(entry.name for entry in (tmp_path / "photographs").iterdir()) == ["cat", "dog"]


def test_the_directory_where_one_is(prepare, tmp_path):
    done = prepare("../photographs", "--out", ".", cwd="empty")
    assert (done.returncode, done.stderr) == (0, "")
    assert Examples(tmp_path / "empty").labels == ["cat", "dog"]
    again = prepare("../photographs", "--out", ".", cwd="empty")
    assert (again.returncode, again.stderr) == (1, "Error: . is not empty. Give another directory with --out, or empty it.\n")
