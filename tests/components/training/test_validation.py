import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.data.batches import central_batches
from zfnet.components.training.validation import make_validate
from zfnet.model import build


@pytest.mark.parametrize("batch_size", [5, 64])
def test_every_example_counts_once(examples, statistics, batch_size):
    keras.utils.set_random_seed(0)
    net, mean = build("zfnet-small", (56, 56, 3), 3), statistics.mean_image()[4:60, 4:60]
    found = make_validate(net, tf.distribute.get_strategy(), examples, mean, batch_size)()
    ((images, labels, _),) = central_batches(examples, "validation", size=56, batch_size=examples.count("validation"))
    answers, labels = net(images - mean).numpy(), labels.numpy()
    own = answers[np.arange(len(labels)), labels]
    expected = {"loss": -np.log(own).mean(), "top1_error": ((answers >= own[:, None]).sum(1) > 1).mean(), "top5_error": 0.0}
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_second_look_starts_anew(examples, statistics):
    net, mean = build("zfnet-small", (56, 56, 3), 3), statistics.mean_image()[4:60, 4:60]
    validate = make_validate(net, tf.distribute.get_strategy(), examples, mean, 8)
    assert validate() == validate()
