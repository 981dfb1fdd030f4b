"""A small net over prepared photographs, filters of two earlier moments, and the page that is made from them."""

import importlib
import pathlib
import sys
from collections.abc import Iterator

import keras
import numpy as np
import pytest

from zfnet.components.exploration.exploration import write_exploration
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.images import ImageSet
from zfnet.components.training.kept_filters import KeptFilters
from zfnet.model import Deconvnet

LAYERS = ["conv1", "conv2", "classes"]
BENCHMARKS = pathlib.Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(scope="session")
def explored_net() -> Deconvnet:
    """Two convolutions and a classifier, of random weights; map 2 of conv1 is never positive."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((56, 56, 3)),
            layers.Rescaling(1 / 64, -2),
            layers.Conv2D(6, 5, strides=2, activation="relu", name="conv1"),
            layers.MaxPooling2D(2),
            layers.Conv2D(4, 3, activation="relu", name="conv2"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    kernel, bias = net.get_layer("conv1").get_weights()
    bias[2] = -1e4
    net.get_layer("conv1").set_weights([kernel, bias])
    return Deconvnet(net)


@pytest.fixture(scope="session")
def explored(explored_net, examples) -> ExampleSearch:
    """The net over all validation examples."""
    return ExampleSearch(explored_net, ImageSet.of_examples(explored_net.model, examples))


@pytest.fixture(scope="session")
def filters(explored_net, tmp_path_factory) -> pathlib.Path:
    """A directory as a training of five epochs leaves it: its filters after epochs 0, 2 and 5, the last being the net's."""
    folder = tmp_path_factory.mktemp("evolution")
    convolutions = [explored_net.model.get_layer(name) for name in ("conv1", "conv2")]
    own = [weight for layer in convolutions for weight in layer.get_weights()]
    rng = np.random.default_rng(0)
    for epoch, noise in ((0, 1.0), (2, 0.01), (5, 0.0)):
        np.savez(folder / f"filters-{epoch:04d}.npz", *(weight + noise * rng.normal(size=weight.shape).astype("f") for weight in own))
    return folder


@pytest.fixture(scope="session")
def kept(explored_net, filters) -> KeptFilters:
    """The filters, read."""
    return KeptFilters(explored_net, filters, 5)


@pytest.fixture(scope="session", params=[False, True], ids=["one file", "folder"])
def page(request, explored, kept, examples, tmp_path_factory) -> pathlib.Path:
    """The page, as one file and with a folder beside it."""
    file = tmp_path_factory.mktemp("page") / "every map.html"
    write_exploration(explored, file, LAYERS, model="net <b>", labels=examples.labels, kept=kept, folder=request.param, photographs=5)
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A Chromium without a window; closed with its file of tests, since a process can't have two Playwrights at a time."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        pages = importlib.import_module("tensorboard_pages")
    finally:
        sys.path.remove(str(BENCHMARKS))
    if pages.find_chromium() is None:
        pytest.skip("There is no Chromium; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=pages.find_chromium(), args=["--no-sandbox", "--disable-gpu", *pages.QUIET])
        yield opened
        opened.close()
