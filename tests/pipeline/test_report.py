import base64
import io

import numpy as np
from PIL import Image

from zfnet.pipeline.report import _warnings, draw_training_curves, embed_picture


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
