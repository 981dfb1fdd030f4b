"""What a reader sees and does: the page is opened as a file, in a window of a laptop and in one of a phone."""

import dataclasses
import json
import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from zfnet.components.exploration.exploration import write_exploration
from zfnet.components.figures.gallery.example_search import ExampleSearch

PATIENCE = 60_000  # Milliseconds that a busy machine may take.
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def _open(browser, page, hash: str = "", **options) -> Page:
    opened = browser.new_context(**({"viewport": LAPTOP} | options)).new_page()
    opened.set_default_timeout(PATIENCE)
    opened.errors = []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on("request", lambda request: opened.errors.append(request.url) if request.url.startswith("http") else None)
    opened.goto(f"{page.as_uri()}{hash}")
    expect(opened.locator("h2")).to_be_visible(timeout=PATIENCE)
    return opened


@pytest.fixture
def opened(browser, page):
    found = _open(browser, page)
    yield found
    assert found.errors == []  # No script failed, and nothing was asked for over a network.
    found.context.close()


def _go(opened: Page, hash: str, heading: str | re.Pattern) -> None:
    opened.evaluate("hash => { location.hash = hash; }", hash)
    expect(opened.locator("h2")).to_have_text(heading, timeout=PATIENCE)


def _pixels(opened: Page, selector: str) -> np.ndarray:
    """Pixels of a canvas that has been painted; of a page with a folder they can't be read, so its picture on the screen."""
    opened.wait_for_function("s => document.querySelector(s)?.isPainted", arg=selector)
    opened.wait_for_timeout(100)
    return np.frombuffer(opened.locator(selector).first.screenshot(), np.uint8)


def test_first_view_shows_all_maps_of_the_last_convolution(opened):
    expect(opened.locator("h2")).to_have_text("conv2")
    assert opened.locator(".grid .card").count() == 4
    assert "net <b>" in opened.locator("h1").inner_text()
    assert opened.locator("b").count() == 0  # Names are text.
    opened.wait_for_function("[...document.querySelectorAll('.grid canvas')].every(each => each.isPainted)")
    labels = opened.locator("canvas").evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
    assert all(labels)
    assert all(role == "img" for role in opened.locator("main canvas").evaluate_all("all => all.map(each => each.getAttribute('role'))"))


def test_clicks_lead_from_layer_to_map_to_enlarged_example(opened):
    opened.get_by_role("link", name="conv1", exact=True).click()
    expect(opened.locator("h2")).to_have_text("conv1")
    assert opened.locator(".grid .card").count() == 5
    expect(opened.locator("main")).to_contain_text("Never positive: map 2.")
    opened.locator('.card[data-unit="4"]').click()
    expect(opened.locator("h2")).to_have_text("conv1, map 4")
    assert opened.url.endswith("#conv1/4")
    assert opened.locator(".nine .card").count() == 9
    opened.locator(".nine .card").nth(1).click()
    dialog = opened.locator("#enlarged")
    expect(dialog).to_contain_text("conv1, map 4: example 2 of 9")
    assert dialog.locator(".frame").count() == 1
    opened.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("example 3 of 9")
    opened.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    opened.go_back()
    expect(opened.locator("h2")).to_have_text("conv1")


def test_deep_links(browser, page):
    for hash, heading in (
        ("#conv1/5", "conv1, map 5"),
        ("#classes/1", re.compile(r"classes, unit 1 \(.+\)")),
        ("#photograph=1", re.compile("what fires here")),
    ):
        opened = _open(browser, page, hash)
        expect(opened.locator("h2")).to_have_text(heading)
        assert opened.errors == []
        opened.context.close()
    opened = _open(browser, page, "#conv9/1")
    expect(opened.locator("p.bad")).to_have_text("There is no conv9/1 on this page.")
    opened.context.close()


def test_dead_map_says_so(opened):
    _go(opened, "#conv1/2", "conv1, map 2")
    expect(opened.locator("main")).to_contain_text("This map is never positive")


def test_slider_moves_all_pictures_at_once(opened):
    last = _pixels(opened, ".grid .card:nth-child(1) canvas:nth-child(2)")
    patch = _pixels(opened, ".grid .card:nth-child(1) canvas:nth-child(1)")
    before = opened.locator("[data-moves]").evaluate_all("all => all.map(each => each.source.sheet)")
    assert before == ["projection-1"] * 4
    opened.locator("#moment").fill("0")
    expect(opened.locator("#title-of-moment")).to_have_text("untrained")
    opened.wait_for_timeout(500)
    assert opened.locator("[data-moves]").evaluate_all("all => all.map(each => each.source.sheet)") == ["moment-0-1"] * 4
    assert not np.array_equal(_pixels(opened, ".grid .card:nth-child(1) canvas:nth-child(2)"), last)
    np.testing.assert_array_equal(_pixels(opened, ".grid .card:nth-child(1) canvas:nth-child(1)"), patch)
    opened.keyboard.press("Tab")
    opened.locator("h2").click()
    opened.keyboard.press(".")
    expect(opened.locator("#title-of-moment")).to_have_text("epoch 2")
    _go(opened, "#conv2/1", "conv2, map 1")
    expect(opened.locator(".strip .card[aria-current]")).to_have_text("epoch 2")
    assert opened.locator("svg polyline").count() == 2
    sheets = opened.locator(".nine canvas:nth-child(2)").evaluate_all("all => all.map(each => each.source.sheet)")
    assert (sheets[0], set(sheets[1:])) == ("moment-1-1", {"nine-1"})
    assert opened.locator(".nine .still").count() == len(sheets) - 1
    expect(opened.locator("#appeared")).to_contain_text("At the beginning")
    _go(opened, "#classes", "classes")
    expect(opened.locator("#still")).to_contain_text("The training kept no weights of classes: it stays.")


def test_search_by_class_and_by_name_of_a_map(opened):
    index = json.loads(opened.locator("#index").text_content())
    wanted = index["classes"][1]
    opened.keyboard.press("/")
    opened.keyboard.type(wanted[:3].upper())
    opened.keyboard.press("Enter")
    expect(opened.locator("h2")).to_have_text(wanted)
    answering = [opened.evaluate(f"async () => (await loadNumbers('layer-{layer}')).answering[1]") for layer in range(3)]
    clear = {name: [auc for _, auc, _ in found if auc > 0.5] for name, found in zip(("conv1", "conv2", "classes"), answering, strict=True)}
    shown = [name for name in ("classes", "conv2", "conv1") if clear[name]]
    assert opened.locator("h3").all_inner_texts() == shown
    for place, name in enumerate(shown):
        scores = [float(text.split(",")[0]) for text in opened.locator(".grid").nth(place).locator(".words").all_inner_texts()]
        np.testing.assert_allclose(scores, clear[name], atol=0.006)
        assert scores == sorted(scores, reverse=True)
    opened.locator("#query").fill("conv1/3")
    opened.keyboard.press("Enter")
    expect(opened.locator("h2")).to_have_text("conv1, map 3")


def test_projections_that_are_not_to_be_believed_are_marked(opened):
    falls = opened.evaluate("async () => (await loadNumbers('layer-1')).falls")
    differences = [marked - max(others, 0) for marked, others in falls]
    doubtful = [unit for unit, difference in enumerate(differences) if difference < 0.1]
    tops = opened.evaluate("async () => (await loadNumbers('layer-1')).values.map(([first]) => first)")
    weak = [unit for unit, top in enumerate(tops) if top < 0.2 * sorted(tops)[len(tops) // 2]]
    _go(opened, "#conv2", "conv2")
    marked = opened.locator(".grid .card:has(.bad)").evaluate_all("all => all.map(each => Number(each.dataset.unit))")
    assert marked == sorted({*doubtful, *weak})
    opened.locator("#order").select_option("believed")
    shown = opened.locator(".grid .card").evaluate_all("all => all.map(each => Number(each.dataset.unit))")
    assert shown == sorted(range(len(falls)), key=lambda unit: (unit not in weak, unit in weak or differences[unit], unit))
    opened.locator("summary").click()
    expect(opened.locator("details")).to_contain_text("With all weights shuffled, projections would still mark similar places")
    bars = opened.locator(f'.card[data-unit="{shown[-1]}"] .falls i')
    widths = [bars.nth(place).bounding_box()["width"] for place in range(2)]
    full = opened.locator(f'.card[data-unit="{shown[-1]}"] .falls').bounding_box()["width"]
    np.testing.assert_allclose(widths, [full * min(max(fall, 0), 1) for fall in falls[shown[-1]]], atol=1)
    for unit in range(len(falls)):
        _go(opened, f"#conv2/{unit}", f"conv2, map {unit}")
        expect(opened.locator("#verdict")).to_contain_text(
            "falls less than 10 % further" if unit in doubtful else "more than others. That alone"
        )
    _go(opened, "#conv1/1", "conv1, map 1")
    expect(opened.locator("main")).to_contain_text("In so small a field, every pixel counts")


def test_keys_go_from_map_to_map(opened):
    _go(opened, "#conv1/1", "conv1, map 1")
    opened.keyboard.press("ArrowRight")
    expect(opened.locator("h2")).to_have_text("conv1, map 3")  # 2 is dead.
    opened.keyboard.press("ArrowLeft")
    expect(opened.locator("h2")).to_have_text("conv1, map 1")
    opened.keyboard.press("Escape")
    expect(opened.locator("h2")).to_have_text("conv1")
    width = opened.locator(".grid .card").first.bounding_box()["width"]
    opened.keyboard.press("+")
    assert opened.locator(".grid .card").first.bounding_box()["width"] > width
    opened.keyboard.press("?")
    expect(opened.locator("#keys")).to_contain_text("earlier and later in the training")


def test_a_click_on_a_place_shows_the_units_whose_fields_cover_it(opened):
    _go(opened, "#photograph=0", re.compile("what fires here"))
    picture = opened.locator("#photograph")
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] * 10.5 / 56, "y": box["height"] * 20.5 / 56})
    assert re.search(r"#photograph=0@20,10$", opened.url)
    # The same, computed from the numbers of the page.
    expected = opened.evaluate(
        """async () => {
            const layer = (await loadNumbers("photograph-0"))[1], shares = await inflate(layer.shares), best = {};
            for (let row = 0; row < layer.grid[0]; row++) for (let column = 0; column < layer.grid[1]; column++) {
                const [top, left] = [row * layer.stride[0] + layer.offset[0], column * layer.stride[1] + layer.offset[1]];
                if (top > 20 || 20 >= top + layer.size[0] || left > 10 || 10 >= left + layer.size[1]) continue;
                for (let unit = 0; unit < layer.grid[2]; unit++)
                    best[unit] = Math.max(best[unit] || 0, shares[(row * layer.grid[1] + column) * layer.grid[2] + unit]);
            }
            return Object.entries(best).filter(([, share]) => share > 0).sort((a, b) => b[1] - a[1]).map(([unit]) => unit);
        }"""
    )
    cards = opened.locator("#answers .grid").nth(1).locator(".card")
    assert cards.evaluate_all("all => all.map(each => each.dataset.unit)") == expected
    cards.first.hover()
    expect(picture.locator(".frame")).to_have_count(1)
    expect(picture.locator(".heat")).to_be_visible()
    picture.focus()
    opened.keyboard.press("ArrowDown")
    assert opened.url.endswith("@24,10")
    # Windows without overlap: the middle half of them would leave gaps.
    layer = "{ grid: [3, 3], size: [4, 4], stride: [4, 4], offset: [0, 0] }"
    assert opened.evaluate(f"[...Array(12).keys()].map((pixel) => covering({layer}, 0, pixel, true).length)") == [1] * 12
    opened.locator("#middle").uncheck()
    assert opened.locator("#answers .card").count() > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("hash", ["", "#conv2/1", "#photograph=0", "#class="])
def test_a_phone_needs_no_sideways_scrolling(browser, page, scheme, hash):
    opened = _open(browser, page, hash, viewport=PHONE, color_scheme=scheme, is_mobile=True, has_touch=True)
    assert opened.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    dark = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", dark)[:3])) / 3
    assert (brightness < 60) == (scheme == "dark")
    smallest = opened.locator("header button:visible, .chips a").evaluate_all(
        "all => Math.min(...all.map(each => each.getBoundingClientRect().height))"
    )
    assert smallest >= 24  # WCAG 2.2, target size.
    assert opened.errors == []
    opened.context.close()


def test_of_many_classes_those_beside_the_chosen_one_are_listed(browser, explored, tmp_path):
    names = [f"class {number:05d}" for number in range(10_000)]
    images = dataclasses.replace(explored.images, labels=names)
    page = tmp_path / "many.html"
    write_exploration(ExampleSearch(explored.deconvnet, images), page, ["conv1"], model="net", photographs=1)
    assert page.stat().st_size < 3e6
    opened = _open(browser, page, "#class=class%2005000")
    listed = opened.locator(".chips a").all_inner_texts()
    assert listed == names[4970:5030]
    expect(opened.locator(".chips")).to_contain_text("and 9,940 more: type a name above.")
    assert opened.locator("h2").bounding_box()["y"] < LAPTOP["height"]
    _go(opened, "#class=class%2009999", "class 09999")
    assert opened.locator(".chips a").all_inner_texts() == names[9940:]
    _go(opened, "#class=class%2000000", "class 00000")
    assert opened.locator(".chips a").all_inner_texts() == names[:60]
    assert opened.locator(".grid .card").count() > 0
    assert opened.errors == []
    opened.context.close()
