"""The page of a run: one HTML file that needs no other."""

import importlib.resources
import io
from typing import Any

import jinja2
from PIL import Image

from zfnet.components.figures.training_curves import draw_training_curves
from zfnet.components.pictures.embedded_picture import embed_picture
from zfnet.pipeline.duration import duration

TEMPLATE = "report.html"


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
