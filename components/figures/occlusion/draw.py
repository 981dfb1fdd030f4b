"""The figure of occlusion, activation and prediction while a grey square slides over an image; and the choice of an example."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from zfnet.components.data.batches import PIXELS
from zfnet.components.figures.gallery.example_search import ExampleSearch, top_examples
from zfnet.components.figures.images import TRUE_LABEL, UNKNOWN, ImageSet, MeanGrey, class_name, mean_grey
from zfnet.components.figures.occlusion.chart import OccludedImage, OcclusionInput, occlusion_chart
from zfnet.components.figures.units import unit_name
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.project_images import project_images
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_layer, class_probabilities
from zfnet.model.measures.occlusion import NoActiveMapError, occlusion, square_starts

# Source of the class if the user names none.
PREDICTED = "class predicted without the square"
# Reading: in Fig. 7 the square covers about 50 of 224 pixels. The stride makes 26 places on the shorter side.
SQUARE, STEPS = 50 / 224, 32
# Examples to classify at most until one is recognised, and the size of a batch.
MOST, BATCH = 2000, 64
# Examples to classify in search of details; recognised ones to occlude by squares side by side; and of these by squares a third of their
# side apart: 2.5 s at 96 pixels on two cores.
LOOKED, OCCLUDED, FINALISTS = 256, 48, 4
# Contrast under a square, over that of the median one, that makes a detail; and the weight of a fall elsewhere: in a texture, P falls
# because the square does not belong there.
DETAIL, ELSEWHERE = 1.5, 0.25
# Standard deviation of 0..255 below which a region has no visible content, such as a blurred background.
VISIBLE = 20.0


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

    Zeiler & Fergus 2013, section 4.2 and Fig. 7. For the pixels of the square see `hiding_grey`. The model takes RGB 0..255.

    Args:
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


class _Seen(NamedTuple):
    image: np.ndarray
    class_number: int
    place: int


def recognized_example(deconvnet: Deconvnet, images: ImageSet, layer: str, seed: int) -> OcclusionInput:
    """Chooses an example whose prediction falls when one thing in it is covered, and stays when anything else is.

    Examples are taken in a random order, which `seed` decides. The first 48 are occluded that the model classifies correctly and that have
    a detail: a position where the square has one and a half times the contrast of the median position, and is visible. Squares lie side
    by side, so that each pixel is covered. The example is chosen whose P(true class) falls most: the lowest value below the lower quartile
    of all positions. The best four are compared again with squares a third of their side apart. A fall counts a quarter if the lowest
    position is not on a detail. If no example has a detail, the first 48 that are classified correctly are occluded; if there are none,
    the first is taken.

    Args:
        deconvnet: of a model with the classes of the examples, that takes RGB 0..255.
        images: validation examples; 256 are classified; more, up to 2000, until one is classified correctly.
        layer: with feature maps. Examples in which none of its maps is active are skipped.

    Raises:
        ValueError: the model has no classes, or there are no examples.
    """
    answer = class_layer(deconvnet)
    if answer is None:
        raise ValueError("The model has no classes, so no prediction can fall.")
    image_input = images.image_input
    right, first = _recognized(deconvnet, answer, images, seed)
    square = default_square(image_input)
    detailed = [seen for seen in right if _contrast(seen.image, square, square).max() > DETAIL]
    candidates = (detailed or right)[:OCCLUDED]
    cover = hiding_grey(deconvnet, image_input, images).values

    def fall(seen: _Seen, stride: int) -> float:
        pixels = image_input.to_model_layout(seen.image[None].astype(np.float32))[0]
        try:
            found = occlusion(deconvnet, pixels, cover, layer, square=square, stride=stride, batch_size=BATCH)
        except NoActiveMapError:
            return 0.0
        answers = cast(np.ndarray, found.probabilities)[..., seen.class_number]
        detail = _contrast(seen.image, square, stride).flat[answers.argmin()] > DETAIL
        return float(np.quantile(answers, 0.25) - answers.min()) * (1 if detail else ELSEWHERE)

    finalists = sorted(candidates, key=lambda seen: -fall(seen, square))[:FINALISTS]
    falls = [fall(seen, max(1, square // 3)) for seen in finalists]
    chosen = finalists[int(np.argmax(falls))] if any(falls) else None
    how = f"of {len(candidates)} recognised validation examples, the one whose P falls the most where one thing is covered"
    image, number, place = chosen or first
    return OcclusionInput(images.origins.ids[place], image, number, TRUE_LABEL, images.labels, how if chosen else None)


def _recognized(deconvnet: Deconvnet, answer: str, images: ImageSet, seed: int) -> tuple[list[_Seen], _Seen]:
    """The examples that are classified correctly, in random order, and the first of them, else the first example."""
    order = np.random.default_rng(seed).permutation(min(len(images.origins.ids), MOST))
    right: list[_Seen] = []
    first = None
    for start in range(0, len(order), BATCH):
        if right and start >= LOOKED:
            break
        wanted = order[start : start + BATCH]
        seen: dict[int, tuple[_Seen, bool]] = {}
        for batch, places in images.batches("Choosing", set(wanted.tolist())):
            (outputs,) = deconvnet.activations(batch, [answer])
            predicted, classes = class_probabilities(deconvnet, outputs).argmax(axis=1), images.origins.labels[places]
            pictures = images.image_input.pictures(batch).astype(np.uint8)
            for row, place in enumerate(places.tolist()):
                seen[place] = _Seen(pictures[row], int(classes[row]), place), predicted[row] == classes[row]
        first = first or seen[int(wanted[0])][0]
        right.extend(each for each, is_right in map(seen.__getitem__, wanted.tolist()) if is_right)
    if first is None:
        raise ValueError("There are no examples to choose from.")
    return right, right[0] if right else first


def _contrast(image: np.ndarray, square: int, stride: int) -> np.ndarray:
    """Standard deviation of the pixels under each square over the median one: `(rows, columns)`, 0 if it is too small to be visible."""
    tops, lefts = (square_starts(length, square, stride) for length in image.shape[:2])
    pixels = image.astype(np.float64)
    spread = np.array([[pixels[top : top + square, left : left + square].std(axis=(0, 1)).mean() for left in lefts] for top in tops])
    # The median is 0 in a plain image with one thing on it.
    ratio = np.divide(spread, np.median(spread), out=np.where(spread > 0, np.inf, 0.0), where=np.median(spread) > 0)
    return np.where(spread >= VISIBLE, ratio, 0.0)
