import keras
import numpy as np

from zfnet.components.data.batches import central_batches, read_origins
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.components.figures.recognized_example import recognized_example
from zfnet.model import Deconvnet


def test_it_is_one_that_the_model_tells_rightly_and_the_same_for_the_same_seed(examples, model):
    net = load_model_file(model.path / "model.keras")
    (images, classes, _), *_ = central_batches(examples, "validation", size=56, batch_size=1000).as_numpy_iterator()
    right = np.asarray(net(images)).argmax(axis=1) == classes
    assert right.any()
    ids = read_origins(examples, "validation")[2]
    found = [recognized_example(Deconvnet(net), examples, seed) for seed in (0, 0, 1, 2, 3)]
    assert found[0].name == found[1].name
    assert len({each.name for each in found}) > 1
    for each in found:
        number = ids.index(each.name)
        assert right[number]
        assert each.class_number == classes[number]
        np.testing.assert_array_equal(each.image, images[number].astype(np.uint8))


def test_of_a_model_that_tells_none_it_is_any(examples):
    # It always answers a class that the data does not have.
    answer = keras.layers.Dense(4, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant([0, 0, 0, 1]))
    net = keras.Sequential([keras.Input((56, 56, 3)), keras.layers.Flatten(), answer])
    found = recognized_example(Deconvnet(net), examples, 0)
    assert found.name in read_origins(examples, "validation")[2]
