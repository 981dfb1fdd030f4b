import io
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from zfnet.components.artifacts import Examples, Statistics
from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.folder import FolderSource
from zfnet.components.example_gen import generate_examples
from zfnet.components.statistics_gen import generate_statistics


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """Noise: 9 photographs of one class and 5 of another, in 4 and more shards."""
    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(1)
    for name, number in (("few", 5), ("many", 9)):
        (root / "noise" / name).mkdir(parents=True)
        for i in range(number):
            Image.fromarray(random.integers(0, 256, (20 + i, 30, 3), np.uint8)).save(root / "noise" / name / f"{i}.png")
    examples = Examples(root / "examples")
    source = FolderSource(str(root / "noise"))
    settings = {"runner": "FnApiRunner", "beam_options": ()}
    generate_examples(examples, source=source, image_size=14, num_shards=4, max_rejected=0, **settings)
    return examples


def generate(examples, out, *beam_options) -> Statistics:
    statistics = Statistics(out)
    generate_statistics(examples, statistics, runner="FnApiRunner", beam_options=beam_options)
    return statistics


def test_the_statistics_are_those_of_numpy(examples, tmp_path):
    statistics = generate(examples, tmp_path / "out")
    stored = {split: [example for path in examples.shards(split) for example in read_shard(path)] for split in ("train", "validation")}
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(example["image"]))) for example in stored["train"]])
    mean = np.load(tmp_path / "out/mean.npy", allow_pickle=False)
    assert (mean.shape, mean.dtype) == ((16, 16, 3), np.float32)
    np.testing.assert_allclose(mean, pixels.mean(axis=0), rtol=1e-6)
    found = statistics.read_json("statistics.json")
    np.testing.assert_allclose(found["channels"]["mean"], pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found["channels"]["std"], pixels.std(axis=(0, 1, 2)), rtol=1e-9)
    for split in ("train", "validation"):
        assert found["classes"][split] == [sum(example["label"] == label for example in stored[split]) for label in (0, 1)]
    assert sum(found["classes"]["train"]) == examples.count("train") == len(pixels)
    assert {file.name for file in statistics.files()} == {"mean.npy", "statistics.json"}


def test_the_same_bytes_whatever_the_workers(examples, tmp_path):
    expected = generate(examples, tmp_path / "default").digest()
    for options in (("--direct_num_workers=1",), ("--direct_num_workers=3",), ("--direct_running_mode=in_memory",)):
        assert generate(examples, tmp_path / options[0], *options).digest() == expected


DAMAGED = """
import sys
from zfnet.components.artifacts import Examples, Statistics
from zfnet.components.statistics_gen import generate_statistics

try:
    generate_statistics(Examples(sys.argv[1]), Statistics(sys.argv[2]), runner="FnApiRunner", beam_options=())
except ValueError as error:
    print(error)
"""


def test_a_damaged_shard_is_named_and_nothing_else(examples, tmp_path, forked):
    damaged = Examples(shutil.copytree(examples.path, tmp_path / "damaged"))
    shard = pathlib.Path(damaged.shards("train")[0])
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    # In a process of its own, for Beam's threads that a failure leaves behind.
    command = [sys.executable, "-c", DAMAGED, damaged.path, tmp_path / "out"]
    process = subprocess.run(forked(command), capture_output=True, text=True, check=True)
    assert process.stdout.startswith(f"{shard} is damaged")
    assert "Prepare the examples again: remove this file" in process.stdout
    assert process.stdout.count("\n") == 1
