import base64
import io

import numpy as np
from PIL import Image

from zfnet.pipeline.report.page import embed_picture


def test_what_is_embedded_is_the_picture():
    rows, columns = np.mgrid[:60, :90]
    pixels = np.stack([rows * 4, columns * 2, 128 + 0 * rows], axis=2).astype(np.uint8)
    found = embed_picture(Image.fromarray(pixels))
    assert (found.width, found.height) == (90, 60)
    kind, _, text = found.uri.partition(",")
    assert kind == "data:image/webp;base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))), int)
    assert abs(shown - pixels).mean() < 3
