"""Against Pillow, which knows transparent colours and the order of pictures."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.serving.gif import first_picture

RNG = np.random.default_rng(0)
PALETTE = RNG.integers(0, 255, (16, 3), dtype=np.uint8)


IN_GRAPH = tf.function(first_picture, input_signature=[tf.TensorSpec([], tf.string)])


def picture(seed: int, colours: int = 16) -> Image.Image:
    image = Image.fromarray(np.random.default_rng(seed).integers(0, colours, (30, 40), dtype=np.uint8), "P")
    image.putpalette(PALETTE[:colours].tobytes())
    return image


def gif(*images: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], optimize=False, **options)
    return file.getvalue()


def over_white(encoded: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(encoded)) as image:
        layers = image.convert("RGBA")
        return np.asarray(Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB"))


def decoded(encoded: bytes) -> np.ndarray:
    return tf.io.decode_gif(IN_GRAPH(encoded)).numpy()


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("transparency", [None, 0, 5, 15])
@pytest.mark.parametrize("colours", [2, 16])
def test_transparent_pixels_are_white(colours, transparency, interlace):
    options = {} if transparency is None else {"transparency": transparency % colours}
    encoded = gif(picture(1, colours), interlace=interlace, comment=b"c" * 600, **options)
    np.testing.assert_array_equal(decoded(encoded)[0], over_white(encoded))


def test_first_picture_of_an_animation():
    encoded = gif(picture(1), picture(2), picture(3), transparency=3, duration=50, loop=0, disposal=2)
    pictures = decoded(encoded)
    assert pictures.shape == (1, 30, 40, 3)
    np.testing.assert_array_equal(pictures[0], over_white(encoded))


def with_own_palette(encoded: bytes) -> bytes:
    """The palette of the file written as that of its picture."""
    colours = 16 * 3
    start = 13 + colours
    at = encoded.index(b",\0\0\0\0", start)
    head = encoded[:10] + bytes([encoded[10] & 0x7F]) + encoded[11:13] + encoded[start:at]
    return head + encoded[at : at + 9] + bytes([encoded[at + 9] | 0x83]) + encoded[13:start] + encoded[at + 10 :]


def test_palette_of_the_picture():
    encoded = with_own_palette(gif(picture(1), transparency=4, interlace=0))
    np.testing.assert_array_equal(decoded(encoded)[0], over_white(encoded))
    assert (decoded(encoded)[0] == 255).all(-1).any()


def test_other_pictures_are_not_decoded():
    many = gif(*(picture(seed) for seed in range(20)))
    alone = IN_GRAPH(many).numpy()
    assert len(alone) < len(many) / 10


@pytest.mark.parametrize(
    "damage",
    [
        lambda encoded: struct.pack("<HH", 50, 30).join([encoded[:6], encoded[10:]]),
        lambda encoded: encoded[: len(encoded) // 2],
        lambda encoded: encoded[:12],
        lambda encoded: encoded[:13] + bytes(48) + b"?" + encoded[62:],
    ],
    ids=["larger than its picture", "cut off", "without a picture", "something else"],
)
def test_what_is_refused(damage):
    with pytest.raises(tf.errors.InvalidArgumentError):
        IN_GRAPH(damage(gif(picture(1))))
