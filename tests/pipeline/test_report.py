import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from zfnet.pipeline.report import MOST_CLASSES, _warnings, draw_training_curves, embed_picture, report_page


def test_warnings_count_those_that_are_not_listed():
    listed = [{"kind": "near_copy", "message": f"pair {number}"} for number in range(100)]
    rest = {"kind": "near_copy", "message": "150 more are not listed.", "more": 150}
    assert _warnings([{"kind": "dark_class", "message": "dark"}, *listed, rest]) == ["dark", "pair 0 And 249 more of this kind."]


def test_what_is_embedded_is_the_picture():
    rows, columns = np.mgrid[:60, :90]
    pixels = np.stack([rows * 4, columns * 2, 128 + 0 * rows], axis=2).astype(np.uint8)
    found = embed_picture(Image.fromarray(pixels))
    assert (found.width, found.height) == (90, 60)
    kind, _, text = found.uri.partition(",")
    assert kind == "data:image/webp;base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))), int)
    assert abs(shown - pixels).mean() < 3


def epoch(error, rate=0.01):
    return {"loss": 2 * error, "top1_error": error, "val_loss": 3 * error, "val_top1_error": error, "learning_rate": rate}


def blue(picture):
    return np.argwhere((abs(picture.astype(int) - (0x1F, 0x4E, 0x79)) < 20).all(axis=2))


def test_validation_errors_that_fall_are_seen_to_fall():
    picture = draw_training_curves([epoch(0.9), epoch(0.5), epoch(0.1)])
    assert picture.shape == (360, 1200, 3)
    errors = blue(picture[30:330, 600:1050])
    assert errors[errors[:, 1] < 150, 0].mean() < errors[errors[:, 1] > 300, 0].mean()


def test_where_the_learning_rate_fell_is_marked():
    steady = draw_training_curves([epoch(0.9), epoch(0.5), epoch(0.1)])
    fallen = draw_training_curves([epoch(0.9), epoch(0.5), epoch(0.1, rate=0.001)])
    assert (steady != fallen).any()


def test_a_single_epoch():
    assert len(blue(draw_training_curves([epoch(0.5)]))) > 0


def page_of(classes):
    """The page of a run of so many classes, none of which is like another."""
    wrong = [{"class": "another class", "examples": 1}]
    numbers = {"examples": 2, "top1_error": 0.5, "top5_error": 0.5, "mistaken_for": wrong}
    lists = ("errors", "slices", "rejected", "anomalies", "warnings", "mistakes", "sizes", "pictures", "steps")
    nothing = ("message", "blessed", "structured", "calibration", "slice_by", "near_copies", "explore", "commit")
    content: dict[str, Any] = {key: [] for key in lists} | dict.fromkeys(nothing) | dict.fromkeys(("root", "command", "started"), "run")
    return report_page(
        content
        | {"data": {"name": "data", "version": None}, "status": "done", "recipe": {"architecture": "net"}, "versions": {}}
        | {"classes": [{"class": f"wrong {number}"} | numbers for number in range(classes)], "history": [epoch(0.5)]}
        | {"counts": [(f"counted {number}", classes - number, 2) for number in range(classes)]}
        | {"examples": {"train": 2 * classes, "validation": 2 * classes, "rejected": 0}}
    )


def test_few_classes_are_all_in_the_tables():
    page = page_of(MOST_CLASSES)
    assert [page.count(f"<td>{name} ") for name in ("wrong", "counted")] == [MOST_CLASSES] * 2
    assert page.index(">counted 0<") < page.index(">counted 999<")
    assert "--by-class" not in page


def test_ten_thousand_classes_give_a_page_that_opens():
    page = page_of(10_000)
    assert len(page) < 500_000  # with all of them, 1.7 million
    assert [page.count(f"<td>{name} ") for name in ("wrong", "counted")] == [MOST_CLASSES] * 2
    assert "10,000 classes, the highest error first: the first 1,000" in page
    assert "zfnet evaluate run --by-class" in page
    # Those with the fewest training examples.
    assert page.index(">counted 9999<") < page.index(">counted 9000<")
    assert ">counted 8999<" not in page
