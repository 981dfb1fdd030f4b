"""Archives of the layout that TFDS downloads, with generated photographs, and whole runs on what TFDS's own builders make of them."""

import io
import json
import os
import pathlib
import subprocess
import sysconfig
import tarfile
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow_datasets as tfds
from etils import epath
from PIL import Image

from zfnet.components.artifacts import Examples, Model
from zfnet.components.data.sources.open_source import open_source
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.run_config import load_config
from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline


@pytest.fixture(scope="session")
def photograph():
    """Makes a JPEG of a class; classes differ in colour."""

    def make(label: int, number: int) -> bytes:
        rng = np.random.default_rng([label, number])
        colour = np.random.default_rng(label).integers(0, 256, 3)
        stored = io.BytesIO()
        pixels = np.clip(rng.normal(colour, 30, (40 + number % 5, 50, 3)), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(stored, "JPEG")
        return stored.getvalue()

    return make


@pytest.fixture(scope="session")
def packed():
    """Makes a tar archive of names and contents."""

    def pack(files, mode: str = "w") -> bytes:
        stored = io.BytesIO()
        with tarfile.open(fileobj=stored, mode=mode) as archive:
            for name, content in files:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return stored.getvalue()

    return pack


@pytest.fixture
def downloaded(tmp_path):
    """Puts an archive where TFDS looks for what it downloaded before."""

    def put(name: str, url: str, archive: bytes) -> None:
        known = tfds.builder_cls(name).url_infos[url]
        directory = tmp_path / "tfds" / "downloads"
        directory.mkdir(parents=True)
        path = directory / tfds.core.download.resource.get_dl_fname(url, known.checksum)
        path.write_bytes(archive)
        path.with_name(f"{path.name}.INFO").write_text(json.dumps({"urls": [url], "original_fname": known.filename}))

    return put


class Trained(NamedTuple):
    """What the steps until the training made."""

    examples: Examples
    model: Model

    def check(self) -> "Trained":
        """Checks what is the same for all data."""
        assert self.examples.image_size == 64
        assert len(self.model.read_json("history.json")) == 2
        assert self.model.read_json("recipe.json")["architecture"] == "zfnet-small"
        assert (self.model.path / "labels.txt").read_text().splitlines() == self.examples.labels
        return self


@pytest.fixture
def train_local(tmp_path, monkeypatch):
    """Runs the steps of `zfnet run --config NAME --local` until the training, on what lies in `tmp_path/tfds`: the others see no source."""

    def train(name: str) -> Trained:
        monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
        root, config = epath.Path(tmp_path / "root"), load_config(name, local=True)
        steps = zfnet_pipeline(config, open_source(config.data, root / "tfds"), root, "FnApiRunner")
        with LocalRunner(root, "zfnet run") as runner:
            results = runner.run([step for step in steps if step.name in ("ExampleGen", "StatisticsGen", "Trainer")])
        return Trained(results["ExampleGen"].outputs["examples"], results["Trainer"].outputs["model"]).check()

    return train


@pytest.fixture
def run_local(tmp_path, forked):
    """Runs `zfnet run --config NAME --local` on what lies in `tmp_path/tfds`; returns what run.json says, and what was made."""

    def run(name: str) -> tuple[dict, Trained]:
        zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
        environment = os.environ | {"TFDS_DATA_DIR": str(tmp_path / "tfds")}
        command = [zfnet, "run", "--config", name, "--local", "--root", "root"]
        done = subprocess.run(forked(command), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        # Whether so little training learns enough to be served does not matter.
        assert done.returncode in (0, 3), done.stderr
        root = tmp_path / "root"
        summary = json.loads((root / "run.json").read_text())
        examples, model = (root / summary["artifacts"][name] for name in ("examples", "model"))
        assert list((root / "figures").glob("gallery_conv*.png"))
        return summary, Trained(Examples(examples), Model(model.parent)).check()

    return run
