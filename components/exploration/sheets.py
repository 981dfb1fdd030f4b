"""Sheets of equal tiles as WebP: many small pictures in few files, which a browser decodes only when it shows one of them."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

SIDE = 2048  # Most pixels of a sheet's side. A larger sheet takes a phone too long to decode, and WebP ends at 16,383.
# Quality of WebP, 0 to 100. The fine grain of a projection means nothing, and takes most of its bytes.
PROJECTION, PHOTOGRAPH = 50, 75
# Side of the blocks in which WebP stores colours, at half of the resolution: a block that two tiles share mixes theirs. Tiles of at most
# one block are stored without loss, since each of their pixels is seen.
BLOCK = 16
METHOD = 2  # Of 0 to 6. More take several times as long for 5 % fewer bytes.


def pitch(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of pixels from one tile of `size`, (height, width), to the next on a sheet: whole blocks, or the size if exact.

    Examples:
        >>> pitch((75, 96)), pitch((7, 7))
        ((80, 96), (7, 7))
    """
    height, width = size if max(size) <= BLOCK else (-(-length // BLOCK) * BLOCK for length in size)
    return height, width


def tiles_a_sheet(size: tuple[int, int], columns: int) -> int:
    """Number of tiles of `size`, (height, width), on one sheet that has this number of columns.

    Examples:
        >>> tiles_a_sheet((96, 96), 9)
        189
    """
    return columns * max(1, SIDE // pitch(size)[0])


def lay_out(tiles: np.ndarray, columns: int) -> Iterator[np.ndarray]:
    """Lays tiles out in rows: yields sheets, uint8 `(height, width, 3)`, of as many tiles as `tiles_a_sheet` gives.

    Args:
        tiles: uint8 `(N, height, width, 3)`; each is in the middle of the room that `pitch` gives it, and its border fills the rest.
        columns: tiles a row; places without a tile are grey.

    Examples:
        >>> [sheet.shape for sheet in lay_out(np.zeros((20, 96, 96, 3), np.uint8), 9)]
        [(288, 864, 3)]
    """
    height, width = pitch(tiles.shape[1:3])
    together = tiles_a_sheet(tiles.shape[1:3], columns)
    gaps = [((whole - length) // 2, -(-(whole - length) // 2)) for whole, length in zip((height, width), tiles.shape[1:3], strict=True)]
    for start in range(0, len(tiles), together):
        part = tiles[start : start + together]
        rows = -(-len(part) // columns)
        sheet = np.full((rows * columns, height, width, 3), 128, np.uint8)
        sheet[: len(part)] = np.pad(part, ((0, 0), *gaps, (0, 0)), mode="edge")
        yield sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)


def encode(sheet: np.ndarray, quality: int, tile: int) -> bytes:
    """Encodes a sheet as WebP; `quality` is `PROJECTION` or `PHOTOGRAPH`, and tiles of a side of at most one block are exact."""
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "WEBP", quality=quality, method=METHOD, lossless=tile <= BLOCK)
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
