"""The figure of occlusion: what a net still sees of an image while a grey square is slid over it."""

import json
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.figures.gallery.example_search import TopExample, top_examples
from zfnet.components.figures.mean_grey import UNKNOWN, MeanGrey, mean_grey
from zfnet.components.figures.occlusion.chart import OcclusionTexts, occlusion_chart
from zfnet.components.figures.subjects import class_name
from zfnet.components.figures.units import unit_name
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.png import write_png
from zfnet.components.pictures.project_images import ProjectedImage, project_images
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.occlusion import Occlusion, occlusion

PICTURE = "occlusion.png"
# What tells the class, where nobody names it.
PREDICTED = "class predicted without the square"
# Reading: in Fig. 7 the square covers about 50 of 224 pixels. The stride makes 26 places on the shorter side.
SQUARE, STEPS = 50 / 224, 32
# Pixels of the images that go through the net together.
PIXELS = 64 * 96 * 96


class OcclusionInput(NamedTuple):
    """What is looked at.

    Attributes:
        name: of the image.
        image: uint8 `(height, width, 3)`, RGB, of the size that the model takes.
        class_number: whose probability is drawn; None takes the class predicted without the square.
        class_source: what that class is: `PREDICTED`, or `subjects.TRUE_LABEL` or `GIVEN`.
        labels: names of the model's classes; empty if they are not known.
        chosen: by what rule the image was chosen, if nobody named it.
    """

    name: str
    image: np.ndarray
    class_number: int | None
    class_source: str
    labels: Sequence[str]
    chosen: str | None = None


def draw_occlusion(
    deconvnet: Deconvnet,
    subject: OcclusionInput,
    layer: str,
    folder: pathlib.Path,
    *,
    examples: Examples | None = None,
    most: int | None = None,
    square: int | None = None,
    stride: int | None = None,
) -> dict[str, np.ndarray]:
    """Draws, for each place of a grey square, the activation of the strongest map, the probability of a class, and the likeliest class.

    Zeiler & Fergus 2013, section 4.2 and Fig. 7. The square shows the mean image that the model subtracts, else the mean of
    the examples, else a middle grey (`mean_grey`).

    Args:
        deconvnet: of a model that takes RGB 0..255.
        subject: the image and its class.
        layer: name of a layer with feature maps; the paper's is layer 5.
        folder: gets `occlusion.png`, and `occlude.json` with every number drawn.
        examples: whose strongest activations of the same map are shown, too; None for none.
        most: how many of them, from the first, to search; None searches all.
        square: side of the square, in pixels; None takes 50 of 224, of the shorter side.
        stride: most pixels from one place to the next; None takes a 32nd of the shorter side.

    Returns:
        The picture, a uint8 array `(height, width, 3)`, by the name `"occlusion"`.

    Raises:
        ValueError: the square does not fit, or no map of the layer is active in the image.
    """
    size = subject.image.shape[:2]
    image_input = ImageInput(size[0], size[1], deconvnet.graph.channels_first)
    grey = hiding_grey(deconvnet, image_input, examples)
    found = occlusion(
        deconvnet,
        image_input.to_model_layout(subject.image[None].astype(np.float32))[0],
        grey.values,
        layer,
        square=square or default_square(image_input),
        stride=stride or max(1, min(size) // STEPS),
        batch_size=max(1, PIXELS // (size[0] * size[1])),
    )
    own = project_images(deconvnet, subject.image[None], layer, found.unit)[0]
    elsewhere = top_examples(deconvnet, examples, layer, found.unit, most) if examples else []
    number = subject.class_number
    if number is None and found.uncovered is not None:
        number = int(found.uncovered.argmax())
    texts = OcclusionTexts(
        name=subject.name,
        unit=unit_name(deconvnet, layer, found.unit, subject.labels),
        grey=grey.source,
        class_name=None if number is None else class_name(number, subject.labels),
        class_source=subject.class_source,
        others="and where it is strongest in the data" if examples else "without data, in no other images",
        chosen=subject.chosen,
    )
    likeliest = None if found.probabilities is None else found.probabilities.argmax(axis=2)
    shown = [] if likeliest is None or number is None else np.unique([*likeliest.ravel(), number]).tolist()
    names = {each: class_name(each, subject.labels) for each in shown}
    cover = np.broadcast_to(image_input.pictures(grey.values[None])[0], subject.image.shape)
    picture = occlusion_chart(subject.image, cover, found, number, likeliest, names, own, elsewhere, texts)
    write_png(picture, folder / PICTURE)
    numbers = _numbers(subject, layer, found, own, elsewhere, texts)
    row, column = found.lowest_place(number)
    numbers["shown"] = {"top": int(found.tops[row]), "left": int(found.lefts[column])}
    if subject.chosen:
        numbers["chosen"] = subject.chosen
    if likeliest is not None and found.uncovered is not None and found.probabilities is not None:
        numbers |= {
            "class": texts.class_name,
            "class_is": subject.class_source,
            "probability": float(found.uncovered[number]),
            "probabilities": found.probabilities[..., number].tolist(),
            "most_probable": [[names[int(each)] for each in row] for row in likeliest],
        }
    (folder / "occlude.json").write_text(json.dumps(numbers, indent=1))
    return {"occlusion": picture}


def default_square(image_input: ImageInput) -> int:
    """Side of the square where nobody gives one, in pixels."""
    return max(1, round(SQUARE * min(image_input.height, image_input.width)))


def hiding_grey(deconvnet: Deconvnet, image_input: ImageInput, examples: Examples | None) -> MeanGrey:
    """What the square shows: the mean image that the model subtracts, else the mean of the examples, else a middle grey."""
    grey = mean_grey(deconvnet, image_input)
    return mean_grey(deconvnet, image_input, examples) if grey.source == UNKNOWN and examples is not None else grey


def _numbers(
    subject: OcclusionInput, layer: str, found: Occlusion, own: ProjectedImage, elsewhere: Sequence[TopExample], texts: OcclusionTexts
) -> dict:
    """Places are top rows and left columns of the square, in pixels; totals and probabilities have a row for each top.

    `shown` is the place of the square in the picture, `chosen` how the image was chosen.
    """
    return {
        "pictures": [PICTURE],
        "image": subject.name,
        "height": subject.image.shape[0],
        "width": subject.image.shape[1],
        "grey": texts.grey,
        "square": found.square,
        "tops": found.tops.tolist(),
        "lefts": found.lefts.tolist(),
        "layer": layer,
        "unit": found.unit,
        "total": found.total,
        "totals": found.totals.tolist(),
        "projection": {"activation": own.activation, "position": list(own.position), "corner": list(own.corner)},
        "projections_of_examples": [
            {"example": each.example, "activation": each.activation, "position": each.position, "corner": each.corner} for each in elsewhere
        ],
    }
