"""The report of a run: one HTML file that needs no other."""

import base64
import importlib.resources
import io
from typing import Any, NamedTuple

import jinja2
from PIL import Image

from zfnet.components.figures.training_curves import draw_training_curves
from zfnet.pipeline.messages import duration

TEMPLATE = "report.html"
# Of WebP: a sixth of the bytes of PNG, and no difference that can be seen.
QUALITY = 90


def report_page(content: dict[str, Any]) -> str:
    """Writes the page.

    Whatever comes from data, such as names of classes and files, is escaped: a page that is mailed to somebody must not run it.

    Args:
        content: as `read_report` gives it.

    Returns:
        HTML, with all pictures inside.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["duration"] = duration
    environment.filters["embedded"] = lambda path: embed_picture(Image.open(io.BytesIO(path.read_bytes())))
    template = environment.from_string(importlib.resources.files(__package__).joinpath(TEMPLATE).read_text())
    curves = embed_picture(Image.fromarray(draw_training_curves(content["history"])))
    return template.render(content, curves=curves)


class EmbeddedPicture(NamedTuple):
    """A picture as a page holds it.

    Attributes:
        uri: what `<img src>` takes, `data:image/webp;base64,...`.
        width: in pixels.
        height: in pixels.
    """

    uri: str
    width: int
    height: int


def embed_picture(picture: Image.Image) -> EmbeddedPicture:
    """Compresses a picture and writes it as text.

    Args:
        picture: RGB, at most 16,383 pixels a side.

    Returns:
        The picture.

    Examples:
        >>> embed_picture(Image.new("RGB", (40, 30))).uri[:30]
        'data:image/webp;base64,UklGRlo'
    """
    file = io.BytesIO()
    picture.convert("RGB").save(file, "WEBP", quality=QUALITY)
    return EmbeddedPicture(f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}", *picture.size)
