"""The figure of occlusion: activation and prediction while a grey square slides over an image."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zfnet.components.data.batches import PIXELS
from zfnet.components.figures.gallery.example_search import ExampleSearch, top_examples
from zfnet.components.figures.image_set import UNKNOWN, ImageSet, MeanGrey, mean_grey
from zfnet.components.figures.occlusion.chart import OccludedImage, OcclusionInput, occlusion_chart
from zfnet.components.figures.subjects import class_name
from zfnet.components.figures.units import unit_name
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.project_images import project_images
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.occlusion import occlusion

# Source of the class if the user names none.
PREDICTED = "class predicted without the square"
# Reading: in Fig. 7 the square covers about 50 of 224 pixels. The stride makes 26 places on the shorter side.
SQUARE, STEPS = 50 / 224, 32


def draw_occlusion(
    deconvnet: Deconvnet,
    subject: OcclusionInput,
    layer: str,
    *,
    search: ExampleSearch | None = None,
    square: int | None = None,
    stride: int | None = None,
) -> Figure:
    """Draws, for each position of a grey square, the activation of the strongest map, P of a class, and the most probable class.

    Zeiler & Fergus 2013, section 4.2 and Fig. 7. For the pixels of the square see `hiding_grey`.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        subject: the image and its class.
        layer: name of a layer with feature maps; the paper's is layer 5.
        search: over other images, whose strongest activations of the same map are shown; None for none.
        square: side of the square, in pixels; None takes 50 of 224 of the shorter side.
        stride: largest step of the square, in pixels; None takes a 32nd of the shorter side.

    Returns:
        The picture `occlusion`. In the numbers, positions are top rows and left columns of the square, in pixels; `totals` and
        `probabilities` have a row for each top; `shown` is the position of the square in the picture.

    Raises:
        ValueError: the square does not fit, or no map of the layer is active in the image.
    """
    height, width = subject.image.shape[:2]
    image_input = ImageInput(height, width, deconvnet.graph.channels_first)
    grey = hiding_grey(deconvnet, image_input, search.images if search else None)
    found = occlusion(
        deconvnet,
        image_input.to_model_layout(subject.image[None].astype(np.float32))[0],
        grey.values,
        layer,
        square=square or default_square(image_input),
        stride=stride or max(1, min(height, width) // STEPS),
        batch_size=max(1, PIXELS // (height * width)),
    )
    number = subject.class_number
    if number is None and found.uncovered is not None:
        number = int(found.uncovered.argmax())
    shown = OccludedImage(
        subject,
        found,
        number,
        cover=np.broadcast_to(image_input.pictures(grey.values[None])[0], subject.image.shape),
        grey=grey.source,
        unit=unit_name(deconvnet, layer, found.unit, subject.labels),
        own=project_images(deconvnet, subject.image[None], layer, found.unit)[0],
        others=None if search is None else top_examples(search, layer, found.unit),
    )
    return Figure("occlude", {"occlusion": occlusion_chart(shown)}, _numbers(shown, layer, search.images.origins.ids if search else ()))


def default_square(image_input: ImageInput) -> int:
    """Default side of the square, in pixels."""
    return max(1, round(SQUARE * min(image_input.height, image_input.width)))


def hiding_grey(deconvnet: Deconvnet, image_input: ImageInput, images: ImageSet | None) -> MeanGrey:
    """The pixels of the square: the mean image that the model subtracts, else the mean of the images, else a middle grey."""
    grey = mean_grey(deconvnet, image_input)
    return mean_grey(deconvnet, image_input, images) if grey.source == UNKNOWN and images is not None else grey


def _numbers(shown: OccludedImage, layer: str, ids: Sequence[str]) -> dict[str, Any]:
    subject, found = shown.subject, shown.found
    row, column = found.lowest_place(shown.class_number)
    numbers: dict[str, Any] = {
        "pictures": ["occlusion.png"],
        "image": subject.name,
        "height": subject.image.shape[0],
        "width": subject.image.shape[1],
        "grey": shown.grey,
        "square": found.square,
        "tops": found.tops.tolist(),
        "lefts": found.lefts.tolist(),
        "layer": layer,
        "unit": found.unit,
        "total": found.total,
        "totals": found.totals.tolist(),
        "projection": shown.own.numbers("activation", "position", "corner"),
        "projections_of_examples": [
            {"example": ids[each.example], **each.numbers("activation", "position", "corner")} for each in shown.others or ()
        ],
        "shown": {"top": int(found.tops[row]), "left": int(found.lefts[column])},
    }
    if subject.chosen:
        numbers["chosen"] = subject.chosen
    if found.uncovered is not None and found.probabilities is not None and shown.predictions is not None:
        likeliest = found.probabilities.argmax(axis=2).tolist()
        numbers |= {
            "class": shown.class_name,
            "class_is": subject.class_source,
            "probability": float(found.uncovered[shown.class_number]),
            "probabilities": shown.predictions.tolist(),
            "most_probable": [[class_name(number, subject.labels) for number in row] for row in likeliest],
        }
    return numbers
