"""Sheets of equal tiles with headings, on which every gallery and grid is drawn."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

BACKGROUND = (255, 255, 255)
INK = (40, 40, 40)
GAP = 2
HEADING = 18
TITLE = 20  # Height of the letters, in pixels.
LEAST = 240  # Width of a title without a sheet.
RULE = (190, 190, 190)


def resize_tile(image: np.ndarray, side: int) -> np.ndarray:
    """Scales a picture, uint8 `(height, width, 3)` or `(height, width, 1)`, to fit a square tile: uint8 `(side, side, 3)`.

    Pixels of small pictures stay sharp squares, as the filters see them; larger pictures are smoothed.
    """
    image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    scale = side / max(image.shape[:2])
    size = [max(1, round(length * scale)) for length in (image.shape[1], image.shape[0])]
    method = Image.Resampling.NEAREST if max(image.shape[:2]) <= side // 4 else Image.Resampling.BICUBIC
    tile = Image.new("RGB", (side, side), BACKGROUND)
    tile.paste(Image.fromarray(image).resize(size, method), ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(tile)


def block(images: list[np.ndarray], columns: int, side: int, below: Sequence[np.ndarray] = ()) -> np.ndarray:
    """Lays pictures out in rows of `columns` equal tiles.

    Args:
        images: uint8 arrays `(height, width, 3)`; none gives one blank row.
        columns: tiles a row; missing ones of the last row are left blank.
        side: side of a tile, in pixels.
        below: pictures directly under the tiles, uint8 `(height, side, 3)`, all of one height; empty for none.

    Returns:
        uint8 array: the block, with a gap between tiles.
    """
    rows, height = max(1, -(-len(images) // columns)), side + (below[0].shape[0] if below else 0)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (side + GAP) - GAP, 3), BACKGROUND, np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        top, left = row * (height + GAP), column * (side + GAP)
        sheet[top : top + side, left : left + side] = resize_tile(image, side)
        if below:
            sheet[top + side : top + height, left : left + side] = below[number]
    return sheet


def end_of(name: str, longest: int) -> str:
    """Cuts a path or an id to `longest` characters; its end tells more than its beginning.

    Examples:
        >>> end_of("photographs/train/cat/0012.jpg", 16)
        '... cat/0012.jpg'
    """
    return name if len(name) <= longest else f"... {name[4 - longest :]}"


def sheet(blocks: list[np.ndarray], headings: Sequence[str], columns: int) -> np.ndarray:
    """Lays blocks of one size out in rows, a heading above each.

    Args:
        blocks: uint8 arrays `(height, width, 3)`, all of one shape.
        headings: a line of text for each block, cut to its width; empty for none.
        columns: blocks a row.

    Returns:
        uint8 array: the sheet.
    """
    height, width = blocks[0].shape[:2]
    margin = 6 * GAP
    rows = -(-len(blocks) // columns)
    size = (columns * (width + margin) + margin, rows * (height + HEADING + margin) + margin)
    picture = Image.new("RGB", size, BACKGROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(HEADING * 0.7)
    for number, (part, heading) in enumerate(zip(blocks, headings, strict=True)):
        row, column = divmod(number, columns)
        left, top = margin + column * (width + margin), margin + row * (height + HEADING + margin)
        draw.text((left, top), cut_text(heading, font, width), INK, font)
        picture.paste(Image.fromarray(part), (left, top + HEADING))
    return np.asarray(picture)


def cut_text(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Cuts a line of text to `width` pixels, with dots at its end."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text} ...") > width:
        text = text[:-1]
    return f"{text} ..."


def wrap_text(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Breaks a text into lines of at most `width` pixels; a longer word has a line of its own.

    Examples:
        >>> wrap_text("one two three", ImageFont.load_default(12), 55)
        ['one two', 'three']
    """
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def with_note(picture: np.ndarray, text: str) -> np.ndarray:
    """Writes a text under a picture, uint8 `(height, width, 3)`, in as many lines as its width needs."""
    margin, (height, width) = 6 * GAP, picture.shape[:2]
    font = ImageFont.load_default(HEADING * 0.7)
    lines = wrap_text(text, font, width - 2 * margin)
    whole = Image.new("RGB", (width, height + len(lines) * HEADING + margin), BACKGROUND)
    whole.paste(Image.fromarray(picture), (0, 0))
    for number, line in enumerate(lines):
        ImageDraw.Draw(whole).text((margin, height + number * HEADING), line, INK, font)
    return np.asarray(whole)


def strip(
    tiles: Sequence[np.ndarray], titles: Sequence[str], captions: Sequence[str], side: int, below: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Lays tiles out in one row, each with a title above it and a caption under it: uint8 `(height, width, 3)`.

    Args:
        tiles, side, below: as in `block`.
        titles: a line for each tile.
        captions: a sentence or two for each tile, broken into lines.
    """
    font, row = ImageFont.load_default(HEADING * 0.7), block(list(tiles), len(tiles), side, below)
    lines = [wrap_text(caption, font, side - 2 * GAP) for caption in captions]
    height = HEADING + row.shape[0] + GAP + HEADING * max(map(len, lines))
    picture = Image.new("RGB", (row.shape[1], height), BACKGROUND)
    picture.paste(Image.fromarray(row), (0, HEADING))
    draw = ImageDraw.Draw(picture)
    for number, (title, caption) in enumerate(zip(titles, lines, strict=True)):
        left = number * (side + GAP)
        draw.text((left, 0), title, INK, font)
        for line, text in enumerate(caption):
            draw.text((left, HEADING + row.shape[0] + GAP + line * HEADING), text, INK, font)
    return np.asarray(picture)


def side_by_side(sheets: Sequence[np.ndarray | None], titles: Sequence[str]) -> np.ndarray:
    """Lays sheets of any size, uint8 `(height, width, 3)`, beside each other, a rule between them; None is a title with nothing below.

    Titles are drawn whole: one that is wider than its sheet gets more room.
    """
    font = ImageFont.load_default(TITLE)
    margin, top = 6 * GAP, 2 * TITLE
    widths = [
        max(LEAST if sheet is None else sheet.shape[1], round(font.getlength(title)) + 2 * margin)
        for sheet, title in zip(sheets, titles, strict=True)
    ]
    height = top + max([0, *(sheet.shape[0] for sheet in sheets if sheet is not None)])
    picture = Image.new("RGB", (sum(widths), height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    left = 0
    for sheet, title, width in zip(sheets, titles, widths, strict=True):
        draw.text((left + margin, top / 2), title, INK, font, anchor="lm")
        if sheet is not None:
            picture.paste(Image.fromarray(sheet), (left, top))
        if left:
            draw.line([(left, margin), (left, height - margin)], RULE, width=GAP)
        left += width
    return np.asarray(picture)


def filter_grid(kernel: np.ndarray, side: int = 56) -> np.ndarray:
    """Draws the filters of a kernel `(height, width, 3, filters)` as small pictures (Zeiler & Fergus 2013, Fig. 6).

    Each filter has a scale of its own: its largest weight, in absolute value, is black or white; 0 is grey. The grid of tiles, of `side`
    pixels, is about three wide for every two high.

    Raises:
        ValueError: the filters have other than three input channels.
    """
    filters = filter_pictures(kernel)
    return block(list(filters), round(np.sqrt(len(filters) * 1.5)), side)


def filter_pictures(kernel: np.ndarray) -> np.ndarray:
    """The tiles of `filter_grid`: uint8 `(filters, height, width, 3)`."""
    if kernel.ndim != 4 or kernel.shape[2] != 3:
        raise ValueError(f"The kernel has shape {kernel.shape}; expected (height, width, 3, filters), filters over RGB.")
    scale = np.maximum(np.abs(kernel).max(axis=(0, 1, 2)), np.finfo(np.float32).tiny)
    return np.rint(127.5 + 127.5 * kernel / scale).astype(np.uint8).transpose(3, 0, 1, 2)
