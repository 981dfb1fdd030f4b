"""What somebody sees of a run in TensorBoard, in a browser."""

import importlib
import io
import pathlib
import re
import sys
import sysconfig

import pytest
from PIL import Image

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
MEASURES = ["aliased", "dead", "learning_rate", "loss", "structured", "top1_error", "top5_error"]
SCALARS = [f"epoch/{measure}" for measure in MEASURES]
LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
PICTURES = {
    "train": [*(f"evolution/{layer}" for layer in LAYERS), "filters/conv1"],
    "gallery": ["calibration", "classes", "confusion", "features", "filters", *(f"gallery/{layer}" for layer in LAYERS), "occlusion"],
}


@pytest.fixture(scope="module")
def pages(whole_run):
    sys.path.insert(0, str(BENCHMARKS))
    try:
        module = importlib.import_module("tensorboard_pages")
    finally:
        sys.path.remove(str(BENCHMARKS))
    if module.find_chromium() is None:
        pytest.skip("There is no Chromium; on Debian: apt-get install chromium")
    with module.tensorboard_pages(whole_run.root) as opened:
        yield opened


def assert_readable(picture, least=300):
    box = picture.bounding_box()
    assert picture.is_visible()
    assert least <= box["width"] <= 1400
    assert least / 3 <= box["height"] <= 4000


def test_tags_are_few_and_say_what_they_show(pages):
    pictures = {run.rpartition("/")[2]: tags for run, tags in pages.tags("images").items()}
    pictures["gallery"].pop("mistakes", None)  # The net of this test may make none.
    assert {part: sorted(tags) for part, tags in pictures.items()} == PICTURES
    scalars = {run.rpartition("/")[2]: tags for run, tags in pages.tags("scalars").items()}
    assert sorted(tag for tag in scalars["train"] if tag.startswith("epoch/")) == SCALARS
    assert sorted(scalars["validation"]) == ["epoch/loss", "epoch/top1_error", "epoch/top5_error"]
    for tags in [*pictures.values(), *scalars.values()]:
        assert all(len(description) > 20 for description in tags.values()), tags


def test_curves_are_drawn(pages):
    pages.open("scalars")
    for tag in SCALARS:
        chart = pages.card(tag).locator("vz-line-chart2, tf-line-chart-data-loader").first
        assert_readable(chart, 200)
        pages.page.wait_for_timeout(500)
        # The middle of the chart is not of one colour.
        shown = Image.open(io.BytesIO(chart.screenshot())).convert("RGB")
        assert len(shown.getcolors(1 << 20)) > 20, tag


@pytest.mark.parametrize("layer", ["conv1", "conv5"])
def test_slider_goes_through_the_evolution_epoch_by_epoch(pages, whole_run, layer):
    pages.open("images")
    assert_readable(pages.picture(f"evolution/{layer}"))
    shown = pages.slide(f"evolution/{layer}")
    assert [step for step, _ in shown] == list(range(whole_run.epochs, -1, -1))
    # Every epoch shows something else.
    assert len({picture for _, picture in shown}) == whole_run.epochs + 1


def test_filters_galleries_and_occlusion_are_of_sensible_size(pages):
    pages.open("images")
    for tag in (tag for tags in PICTURES.values() for tag in tags):
        picture = pages.picture(tag)
        assert_readable(picture)
        assert 300 <= picture.evaluate("picture => picture.naturalWidth") <= 2400, tag


def test_hyperparameters_are_a_table(pages):
    pages.open("hparams")
    table = pages.page.locator("tf-hparams-table-view")
    for text in ("architecture", "learning_rate", "epochs", "validation top-1 error"):
        cell = table.get_by_text(text, exact=True).first
        cell.wait_for()
        assert cell.is_visible()
    assert table.get_by_text(re.compile("zfnet-small-")).first.is_visible()
