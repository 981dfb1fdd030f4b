"""One example that a model recognises by a part of it: what is occluded of a run when nobody names an image."""

from typing import NamedTuple, cast

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures.occlusion.draw import OcclusionInput, default_square, hiding_grey
from zfnet.components.figures.subjects import TRUE_LABEL
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.occlusion import NoActiveMapError, occlusion, square_starts
from zfnet.model.measures.outputs import class_layer, class_probabilities

SPLIT = "validation"
# Examples that are looked through until one is recognised, and how many at once.
MOST, BATCH = 2000, 64
# Examples that are looked through for recognised ones with a detail; how many of these are occluded by squares side by side, and how many
# of those by squares a third of their side apart: 2.5 s at 96 pixels on two cores.
LOOKED, OCCLUDED, FINALISTS = 256, 48, 4
# Contrast under a square, over that under the median one, from which there is something in particular to cover; and what a fall counts
# where there is not: in a texture, any square is the thing that does not belong.
DETAIL, ELSEWHERE = 1.5, 0.25
# Standard deviation of 0..255 below which nothing is seen to be covered, as in a blurred background.
VISIBLE = 20.0


class _Seen(NamedTuple):
    image: np.ndarray
    class_number: int
    place: int


def recognized_example(deconvnet: Deconvnet, examples: Examples, layer: str, seed: int) -> OcclusionInput:
    """Chooses an example whose answer falls when one thing in it is covered, and stays when anything else is.

    Of a random order of examples, the first 48 that the model tells rightly and that have a detail are occluded: where a square can have
    one and a half times the contrast that it has at the median place, and enough to be seen. Squares lie side by side, so that each pixel
    is covered. The example is chosen whose P(true class) falls the most: at its lowest place, below the lower quartile of all places; the
    first four are compared again with squares a third of their side apart. A fall counts a quarter if that place is not on a detail: in a
    texture or a sky, P falls wherever a square is put, since the square is the thing that does not belong. If no example has a detail, the
    first 48 that the model tells rightly are occluded; if it tells none, an example is drawn by chance.

    Args:
        deconvnet: of a model with the classes of the examples, that takes RGB 0..255.
        examples: prepared examples of the split `validation`; 256 are looked through, more (up to 2000) until one is told rightly.
        layer: the layer with feature maps that is watched; examples in which no map of it is active are passed over.
        seed: decides the order.

    Returns:
        The example with its true class, and how it was chosen.

    Raises:
        ValueError: the model has no classes, or there are no examples.
    """
    answer = class_layer(deconvnet)
    if answer is None:
        raise ValueError("The model has no classes, of which it could tell one.")
    image_input = ImageInput.of(deconvnet.model, examples.image_size)
    right, drawn = _recognized(deconvnet, answer, examples, image_input, seed)
    square = default_square(image_input)
    detailed = [seen for seen in right if _contrast(seen.image, square, square).max() > DETAIL]
    candidates = (detailed or right)[:OCCLUDED]
    cover = hiding_grey(deconvnet, image_input, examples).values

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
    image, number, place = chosen or drawn
    return OcclusionInput(read_origins(examples, SPLIT)[2][place], image, number, TRUE_LABEL, examples.labels, how if chosen else None)


def _recognized(deconvnet: Deconvnet, answer: str, examples: Examples, image_input: ImageInput, seed: int) -> tuple[list[_Seen], _Seen]:
    """What the model tells rightly, in random order, and the first of it; the first of all if it tells none."""
    order = np.random.default_rng(seed).permutation(min(examples.count(SPLIT), MOST))
    right: list[_Seen] = []
    first = None
    for start in range(0, len(order), BATCH):
        if right and start >= LOOKED:
            break
        numbers = order[start : start + BATCH]
        read = central_crops(examples, SPLIT, size=image_input.side, batch_size=BATCH, numbers=set(numbers.tolist()), most=MOST)
        images, classes, places = next(read.as_numpy_iterator())
        images = image_input.crop(images)
        (outputs,) = deconvnet.activations(image_input.to_model_layout(images), [answer])
        told = class_probabilities(deconvnet, outputs).argmax(axis=1) == classes
        rows = [int(np.flatnonzero(places == number)[0]) for number in numbers]
        seen = [_Seen(images[row].astype(np.uint8), int(classes[row]), int(places[row])) for row in rows]
        first = first or seen[0]
        right.extend(each for each, row in zip(seen, rows, strict=True) if told[row])
    if first is None:
        raise ValueError(f"The split {SPLIT} has no examples.")
    return right, right[0] if right else first


def _contrast(image: np.ndarray, square: int, stride: int) -> np.ndarray:
    """Standard deviation of the pixels under each square, over the median one: `(rows, columns)`, 0 where too little is to be seen."""
    tops, lefts = (square_starts(length, square, stride) for length in image.shape[:2])
    pixels = image.astype(np.float64)
    spread = np.array([[pixels[top : top + square, left : left + square].std(axis=(0, 1)).mean() for left in lefts] for top in tops])
    # Of a plain ground with one thing on it, the median is 0.
    ratio = np.divide(spread, np.median(spread), out=np.where(spread > 0, np.inf, 0.0), where=np.median(spread) > 0)
    return np.where(spread >= VISIBLE, ratio, 0.0)
