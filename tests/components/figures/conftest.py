"""Nets whose first filters are known, and the reports of them."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from zfnet.components.figures.filters.report import FilterReport, filter_report
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.images import ImageSet
from zfnet.model import Deconvnet

FILTERS = 16


def gratings(frequency: float, side: int, count: int = FILTERS) -> np.ndarray:
    """A kernel of waves of one frequency, in cycles a pixel, in all directions: `(side, side, 3, count)`."""
    place = np.arange(side) - (side - 1) / 2
    window = np.hanning(side + 2)[1:-1]
    angles = np.pi * np.arange(count) / count
    waves = [
        np.outer(window, window) * np.cos(2 * np.pi * frequency * (np.sin(angle) * place[:, None] + np.cos(angle) * place))
        for angle in angles
    ]
    colours = np.random.default_rng(0).uniform(0.5, 1, size=(3, count))
    return np.stack(waves, axis=2)[:, :, None] * colours


@pytest.fixture(scope="session")
def gratings_net() -> Callable[..., Deconvnet]:
    """Makes a net that is not square, with 16 gratings as first filters and a second convolution above them."""

    def make(frequency: float = 0.1, side: int = 7, stride: int = 2, change: Callable | None = None, **options) -> Deconvnet:
        keras.utils.set_random_seed(0)
        layers, sees = keras.layers, {"data_format": options.pop("data_format", "channels_last")}
        first = sees["data_format"] == "channels_first"
        net = keras.Sequential(
            [
                keras.Input((3, 40, 56) if first else (40, 56, 3)),
                layers.Rescaling(1 / 64, -2),
                layers.Conv2D(FILTERS, side, strides=stride, activation="relu", name="conv1", **sees, **options),
                layers.Conv2D(12, 3, activation="relu", name="conv2", bias_initializer=keras.initializers.Constant(100), **sees),
                layers.GlobalAveragePooling2D(**sees),
                layers.Dense(3, activation="softmax", name="classes"),
            ],
            name="gratings",
        )
        kernel, bias = gratings(frequency, side), np.full(FILTERS, 20.0)
        if change:
            change(kernel, bias)
        net.get_layer("conv1").set_weights([kernel, bias])
        return Deconvnet(net)

    return make


@pytest.fixture(scope="session")
def search_of(examples) -> Callable[..., ExampleSearch]:
    """Makes a search of a net over the validation examples."""

    def make(deconvnet: Deconvnet, most: int | None = None) -> ExampleSearch:
        return ExampleSearch(deconvnet, ImageSet.of_examples(deconvnet.model, examples, most=most))

    return make


@pytest.fixture(scope="session")
def report_of(search_of) -> Callable[..., FilterReport]:
    """Measures a net over the validation examples."""

    def measure(deconvnet: Deconvnet, name: str = "net", radius: float | None = None, maps: int = 5) -> FilterReport:
        return filter_report(deconvnet, search_of(deconvnet), name=name, radius=radius, maps=maps, seed=0)

    return measure


@pytest.fixture(scope="session")
def clean(gratings_net, report_of) -> FilterReport:
    """A report of 7 x 7 filters with stride 2, which can represent all that they look for."""
    return report_of(gratings_net(), "runs/clean")


def _plant(kernel: np.ndarray, bias: np.ndarray) -> None:
    bias[3] = -1e4
    kernel[:, :, :, 5] = np.indices(kernel.shape[:2]).sum(axis=0)[:, :, None] % 2 - 0.5


@pytest.fixture(scope="session")
def planted(gratings_net, report_of) -> FilterReport:
    """The same net with a dead filter, 3, and a chequerboard, 5."""
    return report_of(gratings_net(change=_plant), "runs/planted")


def _noise(kernel: np.ndarray, bias: np.ndarray) -> None:
    kernel[..., :9] = np.random.default_rng(0).normal(size=(*kernel.shape[:3], 9))
    kernel[..., 9:12] = np.random.default_rng(1).normal(size=(1, 1, 3, 3))
    bias[:] = 100


@pytest.fixture(scope="session")
def noise(gratings_net, report_of) -> FilterReport:
    """The same net, of whose filters 0 to 8 are noise and 9 to 11 one colour."""
    return report_of(gratings_net(change=_noise), "runs/noise")


@pytest.fixture(scope="session")
def coarse(gratings_net, report_of) -> FilterReport:
    """A report of 11 x 11 filters with stride 4 for a pattern that 7 x 7 with stride 2 would represent."""
    return report_of(gratings_net(0.17, 11, 4), "runs/coarse")
