"""The report of a run: one HTML file that needs no other."""

import base64
import importlib.resources
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import jinja2
import numpy as np
from matplotlib.ticker import MaxNLocator
from PIL import Image

from zfnet.components.pictures.chart import chart_picture, new_chart
from zfnet.pipeline.messages import duration

TEMPLATE = "report.html"
QUALITY = 90  # Of WebP: a sixth of the bytes of PNG, and no visible difference.
SIZE = 1200, 360  # The curves of the training, in pixels.
COLOURS = {"training": "#7ba7d0", "validation": "#1f4e79"}


def report_page(content: dict[str, Any]) -> str:
    """Writes the content of `read_report` as one HTML page, with all pictures inside.

    Text from the data, such as names of classes and files, is escaped: a page that is mailed to somebody must not run it.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["duration"] = duration
    environment.filters["embedded"] = lambda path: embed_picture(Image.open(io.BytesIO(path.read_bytes())))
    template = environment.from_string(importlib.resources.files(__package__).joinpath(TEMPLATE).read_text())
    curves = embed_picture(Image.fromarray(draw_training_curves(content["history"])))
    return template.render(content, curves=curves)


class EmbeddedPicture(NamedTuple):
    """A picture as the value of `<img src>`, `data:image/webp;base64,...`, and its size in pixels."""

    uri: str
    width: int
    height: int


def embed_picture(picture: Image.Image) -> EmbeddedPicture:
    """Compresses a picture and encodes it as text; RGB, at most 16,383 pixels a side.

    Examples:
        >>> embed_picture(Image.new("RGB", (40, 30))).uri[:27]
        'data:image/webp;base64,UklG'
    """
    file = io.BytesIO()
    picture.convert("RGB").save(file, "WEBP", quality=QUALITY)
    return EmbeddedPicture(f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}", *picture.size)


def draw_training_curves(history: Sequence[dict[str, float]]) -> np.ndarray:
    """Draws loss and top-1 error of training and validation, a point for each epoch: uint8 `(360, 1200, 3)`.

    Training: random crops, with dropout. Validation: central crops, without. `history` is `history.json` of a trained model.

    Examples:
        >>> epoch = {"loss": 2.5, "top1_error": 0.7, "val_loss": 2.4, "val_top1_error": 0.6, "learning_rate": 0.02}
        >>> draw_training_curves([epoch]).shape
        (360, 1200, 3)
    """
    figure, axes = new_chart(1, 2, *SIZE)
    epochs = np.arange(1, len(history) + 1)
    for panel, name, title in ((axes[0, 0], "loss", "Loss"), (axes[0, 1], "top1_error", "Top-1 error")):
        for split, prefix in (("training", ""), ("validation", "val_")):
            values = [epoch[prefix + name] for epoch in history]
            panel.plot(epochs, values, color=COLOURS[split], marker=".", label=split)
        for number in _lowered(history):
            panel.axvline(number, color="#999999", linestyle=":", linewidth=1)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set(title=title, xlabel="epoch; dotted: the learning rate falls" if _lowered(history) else "epoch")
        panel.set_ylim(bottom=0)
        panel.legend(loc="upper right")
    axes[0, 1].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return chart_picture(figure)


def _lowered(history: Sequence[dict[str, float]]) -> list[float]:
    """Positions between the epochs at which the learning rate fell."""
    rates = [epoch["learning_rate"] for epoch in history]
    return [number + 0.5 for number in range(1, len(rates)) if rates[number] < rates[number - 1]]
