import keras
import numpy as np

from zfnet.components.data.batches import read_origins
from zfnet.components.evaluation.answers import answer_split
from zfnet.components.evaluation.measures import calibrate, list_mistakes
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.figures.mistakes.evaluated import draw_evaluation


def logits_of_maps():
    """A net that gives logits, which are means of maps: the deconvnet finds no layer of classes."""
    images = keras.Input((56, 56, 3))
    maps = keras.layers.Conv2D(3, 5, name="maps")(images)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(maps))


def test_mistakes_that_cannot_be_drawn_do_not_cost_the_other_figures(examples):
    keras.utils.set_random_seed(0)
    evaluated = Probabilities(logits_of_maps(), examples)
    answers = answer_split([evaluated], "validation")[0]
    ids = read_origins(examples, "validation").ids
    numbers = calibrate(answers) | {"mistakes": list_mistakes(answers, examples.labels, ids, 5)}
    assert numbers["mistakes"]
    figures, reason = draw_evaluation(evaluated, "validation", answers, numbers)
    assert [figure.name for figure in figures] == ["confusion", "calibration"]
    assert "no layer of the model" in reason
    assert np.ptp(figures[0].pictures["confusion"]) > 100
