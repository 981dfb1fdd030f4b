"""Looks at TensorBoard on a run as somebody in front of a browser does, and takes the screenshots of the documentation.

Command: .venv/bin/python benchmarks/tensorboard_pages.py [ROOT]
ROOT is the root of a default `zfnet run`; without it one is run first, in a temporary directory (four minutes on two cores). It needs
Chromium, on Debian the package `chromium`.
"""

from __future__ import annotations

import contextlib
import io
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator

from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

PICTURES = pathlib.Path(__file__).resolve().parents[1] / "docs" / "pictures"
ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
# Without these Chromium asks hosts of its own for updates.
QUIET = ("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
WIDTH, HEIGHT = 1400, 1000
PATIENCE = 60_000  # milliseconds that a busy machine may take


def find_chromium() -> str | None:
    """Path of a Chromium that is installed, None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextlib.contextmanager
def tensorboard_pages(root: pathlib.Path) -> Iterator[TensorBoardPages]:
    """Starts `zfnet tensorboard` on a run, and a browser in front of it.

    Args:
        root: of the run.
    """
    command = [ZFNET, "tensorboard", "--root", root, "--", "--port", "0", "--host", "127.0.0.1", "--reload_interval", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        try:
            lines = iter(server.stderr.readline, "")
            address = next(found[0] for line in lines if (found := re.search(r"http://127.0.0.1:\d+/", line)))
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu", *QUIET])
            try:
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
                page.set_default_timeout(PATIENCE)
                yield TensorBoardPages(page, address)
            finally:
                browser.close()
        finally:
            server.kill()


class TensorBoardPages:
    """What is to be seen of a run in TensorBoard.

    Args:
        page: of the browser.
        address: of TensorBoard, `http://host:port/`.
    """

    def __init__(self, page: Page, address: str):
        self.page, self.address = page, address

    def open(self, tab: str) -> None:
        """Opens a tab, `scalars`, `images` or `hparams`, with all its groups unfolded."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}#{tab}")
        self.page.wait_for_load_state("networkidle")
        folded = self.page.locator("button.heading:not([open-button])")
        while folded.count():
            folded.first.click()

    def card(self, tag: str) -> Locator:
        """The card of a scalar or picture, scrolled to where it can be seen."""
        cards = self.page.locator("tf-image-loader, tf-scalar-card")
        for _ in range(PATIENCE // 100):  # Cards come one after the other, on a busy machine slowly.
            numbers = cards.evaluate_all("(cards, tag) => cards.flatMap((card, number) => card.tag === tag ? [number] : [])", tag)
            if numbers:
                break
            self.page.wait_for_timeout(100)
        found = cards.nth(numbers[0])
        found.scroll_into_view_if_needed()
        return found

    def picture(self, tag: str) -> Locator:
        """The picture on a card, loaded."""
        picture = self.card(tag).locator("#main-image-container img")
        expect(picture).to_have_js_property("complete", value=True, timeout=PATIENCE)
        return picture

    def slide(self, tag: str) -> list[tuple[int, bytes]]:
        """Moves the slider of a picture from its last step to its first: each step, and the PNG that is shown there."""
        card, picture, shown, source = self.card(tag), self.picture(tag), [], ""
        slider, step = card.locator("paper-slider"), card.locator(".heading-label span").first
        slider.focus()
        for position in range(int(slider.evaluate("slider => slider.max")), -1, -1):
            expect(slider).to_have_js_property("immediateValue", position, timeout=PATIENCE)
            expect(picture).not_to_have_js_property("src", source, timeout=PATIENCE)
            source = picture.evaluate("picture => picture.src")
            shown.append((int(step.inner_text()), self.page.request.get(source).body()))
            slider.press("ArrowLeft")
        return shown

    def tags(self, plugin: str) -> dict[str, dict[str, str]]:
        """The descriptions below the cards of a plugin, by run and tag."""
        runs = self.page.request.get(f"{self.address}data/plugin/{plugin}/tags").json()
        return {run: {tag: each["description"] for tag, each in tags.items()} for run, tags in runs.items()}

    def screenshot(self, name: str) -> None:
        """Writes what is to be seen to a picture of the documentation."""
        self.page.mouse.move(1, 1)  # what it lies on shows a tooltip
        self.page.wait_for_timeout(500)
        Image.open(io.BytesIO(self.page.screenshot())).convert("RGB").save(PICTURES / name, optimize=True)


def main() -> None:
    """Takes the screenshots."""
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(scratch) / "zfnet_run"
        if not root.exists():
            subprocess.run([ZFNET, "run", "--root", root], check=True)
        with tensorboard_pages(root) as pages:
            pages.open("scalars")
            pages.card("epoch/top5_error")
            pages.page.wait_for_timeout(2000)
            pages.screenshot("tensorboard_scalars.png")
            pages.open("images")
            pages.picture("evolution/conv5")
            pages.page.wait_for_timeout(1000)
            pages.screenshot("tensorboard_evolution.png")
            pages.page.get_by_text("Show actual image size").click()
            pages.picture("gallery/conv5")
            pages.page.wait_for_timeout(1000)
            pages.screenshot("tensorboard_gallery.png")
            pages.picture("occlusion")
            pages.page.wait_for_timeout(1000)
            pages.screenshot("tensorboard_occlusion.png")
            pages.open("hparams")
            pages.page.wait_for_timeout(2000)
            pages.screenshot("tensorboard_hparams.png")


if __name__ == "__main__":
    main()
