"""Checks of projections as numbers and as bars: whether the activation needs the pixels that its projection marks."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import rows_of
from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest
from zfnet.model.deconvnet.receptive_field import paste_window
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.deconvnet.targets import Targets
from zfnet.model.measures.projection_check import DRAWS, hide_marked, pixel_strengths
from zfnet.model.measures.shuffled_weights import LayerCheck

TENTH, FIFTH = 0.1, 0.2  # Hidden parts of the pixels of the receptive field.
MARGIN = 0.1  # Of the activation; three in a hundred choices of random pixels reach it, see docs/deconvnet.md.
MARKED, DOUBTFUL, ELSEWHERE, TRACK = (40, 40, 40), (200, 50, 30), (160, 160, 160), (228, 228, 228)
BAR, WRITTEN = 5, 16  # Height of a bar in pixels, without and with its number.
TEXT, ROOM = 128, 6  # Width of a number, and room to the right of it.


def part_checks(
    deconvnet: Deconvnet,
    images: np.ndarray,
    ids: np.ndarray,
    part: ProjectedStrongest,
    found: Strongest,
    fill: np.ndarray,
    quick: bool = False,
) -> list[dict[str, Any] | None]:
    """Checks projections that `project_strongest` yielded, see `PixelCheck`.

    Args:
        images, ids: the batch that has the images of `part`, as the model takes them, and their numbers.
        found: the activations that were projected.
        fill: value of hidden pixels, of the shape of one image or pixel.
        quick: checks the strongest activation of each unit alone, with one random choice of other pixels, and without `fifth`.

    Returns:
        For each projection `fall` and `fall_elsewhere`, with a tenth of the pixels hidden; and the same under `fifth`, with a fifth of
        them. A number that is not defined is None; and so is the check of a projection that was left out.
    """
    checked = np.flatnonzero(part.ranks == 0) if quick else np.arange(len(part.ranks))
    places = part.units[checked], part.ranks[checked]
    rows = rows_of(ids, found.examples[places])
    first = deconvnet.graph.channels_first
    windows = pixel_strengths(part.projections[checked], first)
    strengths = np.zeros((len(rows), *(images.shape[2:4] if first else images.shape[1:3])), windows.dtype)
    for strength, window, corner in zip(strengths, windows, part.corners[checked], strict=True):
        paste_window(strength, window, corner)
    targets = Targets(rows, places[0], found.positions[places], found.values[places])

    def hidden(share: float) -> list[dict[str, Any]]:
        check = hide_marked(deconvnet, images, part.layer, targets, strengths, fill, share=share, draws=1 if quick else DRAWS)
        return [{"fall": _known(fall), "fall_elsewhere": _known(other)} for fall, other in zip(*check, strict=True)]

    checks: list[dict[str, Any] | None] = [None] * len(part.ranks)
    fifths = [{}] * len(checked) if quick else [{"fifth": each} for each in hidden(FIFTH)]
    for place, tenth, fifth in zip(checked.tolist(), hidden(TENTH), fifths, strict=True):
        checks[place] = {**tenth, **fifth}
    return checks


def layer_numbers(check: LayerCheck) -> dict[str, dict[str, dict[str, float | None]]]:
    """A check by layer as JSON holds it: for `alone`, `above` and `below`, by the names of the layers, the fields of `Likeness`."""
    return {
        kind: {
            name: {key: _known(value) for key, value in each._asdict().items()}
            for name, each in zip(check.layers, getattr(check, kind), strict=True)
        }
        for kind in ("alone", "above", "below")
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def is_doubtful(check: Mapping[str, Any]) -> bool:
    """Whether not to believe the marks of a projection: without them, the activation falls hardly further than without other pixels.

    Hardly further is by less than a tenth of the activation, with a tenth of the pixels hidden; a rise counts as no fall. An unknown fall
    is no reason for doubt.

    Examples:
        >>> [is_doubtful({"fall": fall, "fall_elsewhere": 0.05}) for fall in (0.14, 0.16, None)]
        [True, False, False]
    """
    fall, other = check["fall"], check["fall_elsewhere"]
    return fall is not None and other is not None and fall - max(other, 0) < MARGIN


def percent(value: float | None) -> str:
    """A share in words: `83 %`, or `unknown`."""
    return "unknown" if value is None else f"{round(100 * value)} %"


def change(value: float | None) -> str:
    """A fall in words.

    Examples:
        >>> [change(value) for value in (0.25, -0.5, None)]
        ['falls 25 %', 'rises 50 %', 'unknown']
    """
    return "unknown" if value is None else f"{'rises' if value < 0 else 'falls'} {percent(abs(value))}"


def check_bars(check: Mapping[str, Any], width: int, *, written: bool = False) -> np.ndarray:
    """Draws two bars below each other, in `width` pixels: uint8 `(height, width, 3)`.

    The dark one is `fall`, the grey one `fall_elsewhere`; a full bar is 1 or more, none 0 or less. If the check `is_doubtful`, the first is
    red, and always long enough to be seen. If `written`, the numbers are beside them.

    Examples:
        >>> bars = check_bars({"fall": 0.5, "fall_elsewhere": 0.1}, 100)
        >>> bars.shape, [int((row[:, 0] < 200).sum()) for row in bars[[0, -1]]]
        ((11, 100, 3), [50, 10])
    """
    height, full = (WRITTEN, width - TEXT) if written else (BAR, width)
    picture = Image.new("RGB", (width, 2 * height + 1), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(0.75 * height)
    first = DOUBTFUL if is_doubtful(check) else MARKED
    for row, (key, colour, words) in enumerate((("fall", first, "marked"), ("fall_elsewhere", ELSEWHERE, "others"))):
        top, value = row * (height + 1), check[key]
        draw.rectangle((0, top, full - 1, top + height - 1), TRACK)
        length = max(0 if value is None else round(full * min(value, 1)), BAR if colour == DOUBTFUL else 0)
        if length > 0:
            draw.rectangle((0, top, length - 1, top + height - 1), colour)
        if written:
            draw.text((width - ROOM, top + height / 2), f"{words}: {change(value)}", MARKED, font, anchor="rm")
    return np.asarray(picture)


def check_words(check: Mapping[str, Any] | None) -> str:
    """The numbers of `part_checks` as the end of a sentence; nothing for None.

    Examples:
        >>> check_words({"fall": 0.5, "fall_elsewhere": 0.1, "fifth": {"fall": 0.75, "fall_elsewhere": None}})
        '; without the tenth of pixels that is marked it falls 50 %, without others it falls 10 %; a fifth: falls 75 %, others: unknown'
    """
    if check is None:
        return ""
    fall, other, fifth, fifth_other = (change(each[key]) for each in (check, check["fifth"]) for key in ("fall", "fall_elsewhere"))
    doubt = "; do not believe the marks" if is_doubtful(check) else ""
    without = f"without the tenth of pixels that is marked it {fall}, without others it {other}"
    return f"; {without}; a fifth: {fifth}, others: {fifth_other}{doubt}"


def layer_rows(check: LayerCheck) -> list[list[str]]:
    """Rows of a table of a check by layer, headings first."""
    rows = [
        [name, *(" ".join(f"{value:.2f}" for value in each) for each in likenesses)]
        for name, *likenesses in zip(check.layers, check.alone, check.above, check.below, strict=True)
    ]
    return [["shuffled layer", "alone", "with all above", "with all below"], *rows]


def bars_note(marking: str = "the projection") -> str:
    """Explains the bars; `marking` is the picture that marks pixels, in words.

    Examples:
        >>> bars_note("the gradient").split(" (")[0]
        'Bars: how far the activation falls if the tenth of pixels that the gradient marks is hidden'
    """
    return (
        f"Bars: how far the activation falls if the tenth of pixels that {marking} marks is hidden (dark), and if as many others are "
        "(grey). A full bar: it falls to 0. Red: other pixels matter nearly as much, so do not believe the marks."
    )


def checks_note(alike: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> str:
    """Sentences about the bars and about projections with all weights shuffled; `alike` are the numbers of `layer_numbers`."""
    note = bars_note()
    for found in [*alike["below"].values()][-1:]:
        pattern, places = ("unknown" if found[key] is None else f"{found[key]:.2f}" for key in ("pattern", "places"))
        note += f" Likeness to projections with all weights shuffled (1 is equal, 0 unrelated): pattern {pattern}, places {places}."
    return note
