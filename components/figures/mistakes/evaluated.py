"""Figures about the errors of one evaluated model, which need not come from a run."""

import dataclasses
from typing import Any

import numpy as np

from zfnet.components.evaluation.answers import Answers
from zfnet.components.evaluation.confusion import Confusion
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.mistakes.calibration import draw_calibration
from zfnet.components.figures.mistakes.confusion import draw_confusion
from zfnet.components.figures.mistakes.mistaken import draw_mistakes
from zfnet.components.pictures.figure import Figure
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_layer


def draw_evaluation(evaluated: Probabilities, split: str, answers: Answers, numbers: dict[str, Any]) -> tuple[list[Figure], str | None]:
    """Draws the confusion matrix, the calibration, and single mistakes if the evaluation lists any.

    Args:
        evaluated: the model and its examples.
        split: the split of the examples that was evaluated.
        answers: the model's answers to these examples.
        numbers: `calibration` and `expected_calibration_error`, see `calibrate`, and `mistakes` if they are to be drawn, see
            `list_mistakes`.

    Returns:
        The figures; and the reason why the mistakes are not drawn although there are some, else None.

    Examples:
        >>> from zfnet.components.evaluation.answers import answer_split
        >>> from zfnet.components.evaluation.measures import calibrate
        >>> answers = answer_split([Probabilities(model, examples)], "validation")[0]
        >>> figures, reason = draw_evaluation(Probabilities(model, examples), "validation", answers, calibrate(answers))
        >>> [figure.name for figure in figures], reason
        (['confusion', 'calibration'], None)
    """
    model, labels = evaluated.model, evaluated.examples.labels
    figures = [
        draw_confusion(labels, Confusion.of(answers.labels, answers.predicted, answers.classes)),
        draw_calibration(numbers["calibration"], numbers["expected_calibration_error"]),
    ]
    if not numbers.get("mistakes"):
        return figures, None
    if model.outputs[0].shape[-1] < len(labels):
        return figures, "the model has one output for both classes"
    try:
        deconvnet = Deconvnet(model, "gradient")
    except ValueError as error:
        return figures, str(error)
    if class_layer(deconvnet) is None:
        return figures, "no layer of the model has one activation for each class before the softmax"
    # Units are the model's outputs, which may be in another order than the classes of the data.
    outputs = [labels[place] for place in np.argsort(evaluated.order).tolist()] if evaluated.order else labels
    images = dataclasses.replace(ImageSet.of_examples(model, evaluated.examples, split), labels=outputs)
    return [*figures, draw_mistakes(ExampleSearch(deconvnet, images), numbers["mistakes"])], None
