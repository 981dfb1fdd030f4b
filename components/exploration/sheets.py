"""Sheets of equal tiles as WebP: many small pictures in few files, which a browser decodes only when it shows one of them."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

SIDE = 2048  # Most pixels of a sheet's side. A larger sheet takes a phone too long to decode, and WebP ends at 16,383.
# Quality of WebP, 0 to 100. The fine grain of a projection means nothing, and takes most of its bytes.
PROJECTION, PHOTOGRAPH = 50, 75
# Tiles up to this side are stored without loss: WebP halves the resolution of colours, and each pixel of such a tile is seen.
EXACT = 16
METHOD = 2  # Of 0 to 6. More take several times as long for 5 % fewer bytes.


def tiles_a_sheet(size: tuple[int, int], columns: int) -> int:
    """Number of tiles of `size`, (height, width), on one sheet that has this number of columns.

    Examples:
        >>> tiles_a_sheet((96, 96), 9)
        189
    """
    return columns * max(1, SIDE // size[0])


def lay_out(tiles: np.ndarray, columns: int) -> Iterator[np.ndarray]:
    """Lays tiles out in rows: yields sheets, uint8 `(height, width, 3)`, of as many tiles as `tiles_a_sheet` gives.

    Args:
        tiles: uint8 `(N, height, width, 3)`.
        columns: tiles a row; places without a tile are grey.

    Examples:
        >>> [sheet.shape for sheet in lay_out(np.zeros((20, 96, 96, 3), np.uint8), 9)]
        [(288, 864, 3)]
    """
    height, width = tiles.shape[1:3]
    together = tiles_a_sheet((height, width), columns)
    for start in range(0, len(tiles), together):
        part = tiles[start : start + together]
        rows = -(-len(part) // columns)
        sheet = np.full((rows * columns, height, width, 3), 128, np.uint8)
        sheet[: len(part)] = part
        yield sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)


def encode(sheet: np.ndarray, quality: int, tile: int) -> bytes:
    """Encodes a sheet as WebP; `quality` is `PROJECTION` or `PHOTOGRAPH`, and tiles of a side of at most 16 pixels are exact."""
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "WEBP", quality=quality, method=METHOD, lossless=tile <= EXACT)
    return file.getvalue()


def fitted_size(height: int, width: int, most: int) -> tuple[int, int]:
    """Size of a picture that is shrunk, if need be, to a longer side of `most` pixels.

    Examples:
        >>> fitted_size(224, 112, 112), fitted_size(7, 7, 112)
        ((112, 56), (7, 7))
    """
    scale = min(1, most / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def fit(picture: np.ndarray, most: int) -> np.ndarray:
    """Shrinks a picture, uint8 `(height, width, 3)`, to the size of `fitted_size`."""
    size = fitted_size(picture.shape[0], picture.shape[1], most)
    return picture if size == picture.shape[:2] else np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BOX))
