"""Choice of an example to occlude: one that the model recognises by a part of it."""

from typing import NamedTuple, cast

import numpy as np

from zfnet.components.figures.image_set import ImageSet
from zfnet.components.figures.occlusion.chart import OcclusionInput
from zfnet.components.figures.occlusion.draw import default_square, hiding_grey
from zfnet.components.figures.subjects import TRUE_LABEL
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.occlusion import NoActiveMapError, occlusion, square_starts
from zfnet.model.measures.outputs import class_layer, class_probabilities

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


class _Seen(NamedTuple):
    image: np.ndarray
    class_number: int
    place: int


def recognized_example(deconvnet: Deconvnet, images: ImageSet, layer: str, seed: int) -> OcclusionInput:
    """Chooses an example whose prediction falls when one thing in it is covered, and stays when anything else is.

    Examples are taken in a random order. The first 48 are occluded that the model classifies correctly and that have a detail: a position
    where the square has one and a half times the contrast of the median position, and is visible. Squares lie side by side, so that each
    pixel is covered. The example is chosen whose P(true class) falls most: the lowest value below the lower quartile of all positions.
    The best four are compared again with squares a third of their side apart. A fall counts a quarter if the lowest position is not on a
    detail. If no example has a detail, the first 48 that are classified correctly are occluded; if there are none, the first is taken.

    Args:
        deconvnet: of a model with the classes of the examples, that takes RGB 0..255.
        images: validation examples; 256 are classified; more, up to 2000, until one is classified correctly.
        layer: with feature maps. Examples in which none of its maps is active are skipped.
        seed: decides the order.

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
