"""Sheets beside each other, a title above each."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zfnet.components.pictures.sheet import BACKGROUND, GAP, INK

TITLE = 20  # Height of the letters, in pixels.
LEAST = 240  # Width of what has a title alone.
RULE = (190, 190, 190)


def side_by_side(sheets: Sequence[np.ndarray | None], titles: Sequence[str]) -> np.ndarray:
    """Lays sheets of any size beside each other, a rule between them.

    Args:
        sheets: uint8 arrays `(height, width, 3)`; None for a title with nothing below it.
        titles: a line of text for each.

    Returns:
        uint8 array: the picture. Titles are drawn whole: where one is wider than its sheet, it gets more room.
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
        if left:
            draw.line([(left, margin), (left, height - margin)], RULE, width=GAP)
        draw.text((left + margin, top / 2), title, INK, font, anchor="lm")
        if sheet is not None:
            picture.paste(Image.fromarray(sheet), (left, top))
        left += width
    return np.asarray(picture)
