"""One example that a model recognises: what is drawn of a run when nobody names an image."""

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_batches, read_origins
from zfnet.components.figures.occlusion import Occluded
from zfnet.components.figures.subjects import TRUE_LABEL
from zfnet.components.pictures.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_layer, class_probabilities

SPLIT = "validation"
# Examples that are looked through, and how many at once.
MOST, BATCH = 2000, 64


def recognized_example(deconvnet: Deconvnet, examples: Examples, seed: int) -> Occluded:
    """Draws an example by chance, among those whose class the model tells rightly; among all if it tells none.

    Args:
        deconvnet: of a model with the classes of the examples, that takes RGB 0..255.
        examples: prepared examples; the first 2000 of the split `validation` are looked through.
        seed: decides which.

    Returns:
        The example with its true class.

    Raises:
        ValueError: the model has no classes, or there are no examples.
    """
    layer = class_layer(deconvnet)
    if layer is None:
        raise ValueError("The model has no classes, of which it could tell one.")
    image_input = ImageInput.of(deconvnet.model, examples.image_size)
    order = np.random.default_rng(seed).permutation(min(examples.count(SPLIT), MOST))
    chosen = None
    for start in range(0, len(order), BATCH):
        numbers = order[start : start + BATCH]
        read = central_batches(examples, SPLIT, size=image_input.side, batch_size=BATCH, numbers=set(numbers.tolist()), most=MOST)
        images, classes, places = next(read.as_numpy_iterator())
        (outputs,) = deconvnet.activations(image_input.laid_out(image_input.crop(images)), [layer])
        right = class_probabilities(deconvnet, outputs).argmax(axis=1) == classes
        rows = [int(np.flatnonzero(places == number)[0]) for number in numbers]
        row = next((row for row in rows if right[row]), None)
        if row is not None or chosen is None:
            place = rows[0] if row is None else row
            chosen = image_input.crop(images[place : place + 1])[0].astype(np.uint8), int(classes[place]), int(places[place])
        if row is not None:
            break
    if chosen is None:
        raise ValueError(f"The split {SPLIT} has no examples.")
    image, number, place = chosen
    return Occluded(read_origins(examples, SPLIT)[2][place], image, number, TRUE_LABEL, examples.labels)
