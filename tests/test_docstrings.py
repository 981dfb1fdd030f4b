"""Every example in a docstring of the three folders runs, and gives what it says."""

import doctest
import importlib
import os
import pathlib
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zfnet

ROOT = pathlib.Path(__file__).resolve().parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
CLASSES, SIZE = ("ant", "bee", "cat", "cup", "dog"), 96
MODULES = sorted(
    f"zfnet.{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}"
    for room in ("model", "components", "pipeline")
    for path in (ROOT / room).rglob("*.py")
    if ">>>" in path.read_text()
)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What examples may use without a word: a small net of five classes, images, and prepared examples."""
    from zfnet.components.artifacts import Examples
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples

    folder, random = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for name in CLASSES:
        for split, count in (("train", 6), ("validation", 4)):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (110, 110, 3), np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    directory = tmp_path_factory.mktemp("examples")
    examples = Examples(directory)
    source = open_source(str(folder), directory)
    generate_examples(examples, source=source, image_size=SIZE, num_shards=None, max_rejected=0.0, runner="FnApiRunner", beam_options=())
    model = zfnet.build("zfnet-small", (SIZE, SIZE, 3), len(CLASSES), seed=1)
    images = random.uniform(0, 255, (4, SIZE, SIZE, 3)).astype(np.float32)
    given = {"np": np, "tf": tf, "keras": keras, "Image": Image, "zfnet": zfnet, "pathlib": pathlib}
    return given | {"model": model, "images": images, "deconvnet": zfnet.Deconvnet(model), "examples": examples}


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name, names, tmp_path):
    module = importlib.import_module(name)
    found = doctest.DocTestFinder(exclude_empty=True).find(module, globs=vars(module) | names | {"tmp_path": tmp_path})
    tests = [test for test in found if test.examples]
    assert tests
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    for test in tests:
        with mock.patch.dict(os.environ):  # An example may set a variable that a later test must not see.
            runner.run(test, out=report.append)
    assert not report, "".join(report)
