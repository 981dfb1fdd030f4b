"""Measures the page of all maps of a run: seconds beyond the gallery's search, size, and time until it is shown; takes its pictures.

Command: .venv/bin/python benchmarks/explore_page.py ROOT
ROOT is the root of a default `zfnet run`. It needs Chromium, on Debian the package `chromium`. Writes benchmarks/explore_page.json, from it
a table in docs/speed.md, and docs/pictures/explore_*.png. Takes about two minutes on two cores.
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import sys
import tempfile

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from playwright.sync_api import sync_playwright
from report import commit, conditions, machine, markdown, seconds, versions, write
from tensorboard_pages import PICTURES, QUIET, find_chromium

NAME = "explore_page"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
VIEWS = {"maps": ("#conv5", LAPTOP, "light"), "map": ("#conv5/20", LAPTOP, "light"), "photograph": ("#photograph=6@40,52", LAPTOP, "dark")}
PAINTED = "[...document.querySelectorAll('main canvas:not(.heat)')].every(each => each.isPainted)"


def measure(root: pathlib.Path) -> dict:
    """Writes the page of a run and opens it."""
    from zfnet.components.artifacts import Examples
    from zfnet.components.exploration.exploration import explored_layers, write_exploration
    from zfnet.components.figures.gallery.example_search import ExampleSearch
    from zfnet.components.figures.images import ImageSet
    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.components.training.kept_filters import find_filters
    from zfnet.model import Deconvnet

    # Before the pictures of the documentation are written anew.
    revision = commit()
    paths = json.loads((root / "run.json").read_text())["artifacts"]
    model, examples = root / paths["model"], Examples(root / paths["examples"])
    deconvnet = Deconvnet(load_model_file(model))
    search = ExampleSearch(deconvnet, ImageSet.of_examples(deconvnet.model, examples))
    layers = explored_layers(search)
    epochs = len(json.loads((model.parent / "history.json").read_text()))
    kept = find_filters(deconvnet, sorted((root / "trainer").glob("checkpoints-*")), epochs)
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "explore.html"
        taken = {"search": seconds(lambda: search.strongest(layers))}
        taken["page"] = seconds(lambda: write_exploration(search, page, layers, model="zfnet-small", labels=examples.labels, kept=kept))
        shown = {"laptop": time_to_show(page, LAPTOP), "phone": time_to_show(page, PHONE)}
        take_pictures(page)
        size = page.stat().st_size
    return {
        "command": "python benchmarks/explore_page.py zfnet_run",
        "commit": revision,
        "machine": machine(),
        "versions": versions(),
        "images": len(search.images.origins.ids),
        "units": sum(len(found.values) for found in search.strongest(layers).values()),
        "moments": len(kept.titles) if kept else 0,
        "seconds": taken,
        "bytes": size,
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "seconds_to_show": shown,
    }


def time_to_show(page: pathlib.Path, window: dict[str, int]) -> float:
    """Seconds from opening the page, as a file, until all pictures of its first view are painted."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu", *QUIET])
        opened = browser.new_page(viewport=window)
        opened.goto(page.as_uri(), wait_until="commit")
        opened.wait_for_selector("main .card")
        opened.wait_for_function(PAINTED)
        taken = opened.evaluate("performance.now()") / 1000
        browser.close()
    return taken


def take_pictures(page: pathlib.Path) -> None:
    """Takes the screenshots of the documentation."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu", *QUIET])
        for name, (place, window, scheme) in VIEWS.items():
            opened = browser.new_page(viewport=window, color_scheme=scheme)
            opened.goto(f"{page.as_uri()}{place}")
            opened.wait_for_selector("main .card")
            opened.wait_for_function(PAINTED)
            opened.screenshot(path=PICTURES / f"explore_{name}.png")
        browser.close()


def table(found: dict) -> str:
    """The table of docs/speed.md."""
    search, page = found["seconds"]["search"], found["seconds"]["page"]
    rows = [
        ["search, which the gallery needs too", f"{search:.1f} s"],
        ["everything else of the page", f"{page:.0f} s, {page / search:.0f} times the search"],
        ["size of the file", f"{found['bytes'] / 1e6:.1f} MB"],
        ["largest memory", f"{found['peak_bytes'] / 1e9:.1f} GB"],
        ["until its first view is painted, window of a laptop", f"{found['seconds_to_show']['laptop']:.1f} s"],
        ["until its first view is painted, window of a phone", f"{found['seconds_to_show']['phone']:.1f} s"],
    ]
    words = f"{found['units']:,} units over {found['images']:,} images, at {found['moments']} moments of the training."
    return f"{markdown(['part', 'measured'], rows)}\n{words}\n{conditions(found)}"


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure(pathlib.Path(sys.argv[1]))
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
