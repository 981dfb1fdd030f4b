import keras
import numpy as np
import pytest

from zfnet.components.data.batches import read_origins
from zfnet.components.evaluation.answers import answer_split
from zfnet.components.evaluation.measures import calibrate, list_mistakes
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.figures.mistakes.evaluated import draw_evaluation


def logits_of_maps():
    """A net whose classes are means of maps, with a softmax: no layer has one activation for each class."""
    images = keras.Input((56, 56, 3))
    maps = keras.layers.Conv2D(3, 5, name="maps")(images)
    return keras.Model(images, keras.layers.Softmax()(keras.layers.GlobalAveragePooling2D()(maps)))


def unknown_operation():
    """A net with a layer that the deconvnet has no rule for."""
    images = keras.Input((56, 56, 3))
    features = keras.layers.LSTM(4)(keras.layers.Reshape((56, 168))(images))
    return keras.Model(images, keras.layers.Dense(3, "softmax")(features))


@pytest.mark.parametrize(("net", "why"), [(logits_of_maps, "no layer of the model"), (unknown_operation, "LSTM")])
def test_mistakes_that_cannot_be_drawn_do_not_cost_the_other_figures(net, why, examples):
    keras.utils.set_random_seed(0)
    evaluated = Probabilities(net(), examples)
    answers = answer_split([evaluated], "validation")[0]
    ids = read_origins(examples, "validation").ids
    numbers = calibrate(answers) | {"mistakes": list_mistakes(answers, examples.labels, ids, 5)}
    assert numbers["mistakes"]
    figures, reason = draw_evaluation(evaluated, "validation", answers, numbers)
    assert [figure.name for figure in figures] == ["confusion", "calibration"]
    assert why in reason
    assert np.ptp(figures[0].pictures["confusion"]) > 100
