"""Against Pillow, which reads more kinds."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.serving.bmp import decode_bmp
from zfnet.components.serving.encoded_bytes import value_or

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 9, 13
NUMBERS = RNG.integers(0, 64, (HEIGHT, WIDTH), dtype=np.uint8)
PALETTE = RNG.integers(0, 255, (256, 3), dtype=np.uint8)
COLOURS = RNG.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 255, (HEIGHT, WIDTH, 1), dtype=np.uint8)
BGR, BGRA, RGBA = (0xFF0000, 0xFF00, 0xFF), (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF, 0xFF00, 0xFF0000, 0xFF000000)


def bmp(bits, pixels, *, header=40, compression=0, top_down=False, masks=(), palette=(), named=0, gap=0):
    """A file from the bytes of its pixels, `(height, width, bytes)`, rows from the top."""
    rows = pixels.reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    data = (rows if top_down else rows[::-1]).tobytes()
    table = b"".join(bytes(colour[::-1]) + bytes(1 if header > 12 else 0) for colour in palette)
    height = -HEIGHT if top_down else HEIGHT
    if header == 12:
        head = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        head = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(data), 2835, 2835, named, 0)
        masked = head + b"".join(struct.pack("<I", mask) for mask in masks)
        head = masked if header == 40 else masked.ljust(header, b"\0")
    start = 14 + len(head) + len(table) - gap
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + head + table + data


NONE = tf.zeros((0, 0, 4), tf.uint8)
IN_GRAPH = tf.function(lambda encoded: value_or(decode_bmp, encoded, NONE), input_signature=[tf.TensorSpec([], tf.string)])


def of_pillow(encoded):
    with Image.open(io.BytesIO(encoded)) as image:
        return np.asarray(image.convert("RGBA"))


def indexed(**options):
    return bmp(8, NUMBERS[..., None], **{"palette": PALETTE, **options})


READ = {
    "palette": indexed(),
    "palette of 64": indexed(palette=PALETTE[:64], named=64),
    "palette from the top": indexed(top_down=True),
    "palette of grey levels": indexed(palette=np.repeat(np.arange(256)[:, None], 3, 1)),
    "palette of grey levels, inverted": indexed(palette=np.repeat(np.arange(256)[::-1, None], 3, 1)),
    **{f"palette, header of {header}": indexed(header=header) for header in (52, 56, 64, 108, 124)},
    "24": bmp(24, COLOURS),
    "24 from the top": bmp(24, COLOURS, top_down=True),
    "24, header of 124": bmp(24, COLOURS, header=124),
    "32": bmp(32, np.dstack([COLOURS, ALPHA])),
    "32, masks": bmp(32, np.dstack([COLOURS, ALPHA]), compression=3, masks=BGR),
    "32, alpha": bmp(32, np.dstack([COLOURS, ALPHA]), compression=3, masks=BGRA, header=56),
    "32, alpha from the top": bmp(32, np.dstack([COLOURS, ALPHA]), compression=3, masks=BGRA, header=124, top_down=True),
    "32, mask of alpha not in use": bmp(32, np.dstack([COLOURS, ALPHA]), masks=BGRA, header=108),
}


@pytest.mark.parametrize("name", READ)
def test_as_pillow_reads_it(name):
    np.testing.assert_array_equal(IN_GRAPH(READ[name]), of_pillow(READ[name]))


@pytest.mark.parametrize(
    "encoded",
    [
        bmp(24, COLOURS, header=12),
        bmp(8, NUMBERS[..., None], header=12, palette=PALETTE),
        bmp(16, RNG.integers(0, 255, (HEIGHT, WIDTH, 2), dtype=np.uint8)),
        bmp(4, NUMBERS[:, :7, None], palette=PALETTE[:16]),
        bmp(1, NUMBERS[:, :2, None], palette=PALETTE[:2]),
        indexed(compression=1),
        bmp(32, np.dstack([COLOURS, ALPHA]), compression=3, masks=RGBA, header=124),
        bmp(24, COLOURS, compression=3, masks=BGR),
        indexed(palette=PALETTE[:40], named=40),
        indexed(gap=4),
        READ["24"][:-1],
        READ["palette"][:60],
        READ["24"][:20],
    ],
    ids=[
        "OS/2",
        "OS/2 palette",
        "16",
        "4",
        "1",
        "RLE",
        "order",
        "24 masks",
        "number beyond",
        "short table",
        "cut off",
        "no table",
        "header",
    ],
)
def test_what_is_refused(encoded):
    assert IN_GRAPH(encoded).shape == NONE.shape
