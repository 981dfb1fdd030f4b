import keras
import numpy as np
import pytest

from zfnet.components.data.batches import central_batches
from zfnet.components.evaluation.errors import measure_errors
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.model import ten_crop


@pytest.fixture(scope="module")
def net(model):
    return load_model_file(model.path / "model.keras")


def test_counts_every_validation_example_once(net, examples):
    whole = [(net(images), labels) for images, labels, _ in central_batches(examples, "validation", size=56, batch_size=1)]
    wrong = sum(int(np.argmax(probabilities)) != int(labels[0]) for probabilities, labels in whole)
    found = measure_errors(net, examples, "validation")
    assert found["examples"] == examples.count("validation") == len(whole)
    assert found["top1_error"] == pytest.approx(wrong / len(whole))
    assert found["top5_error"] == 0  # three classes


def test_a_net_that_answers_alike_for_all_is_always_wrong(examples):
    net = keras.Sequential([keras.Input((56, 56, 3)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax", kernel_initializer="zeros")])
    assert measure_errors(net, examples, "validation")["top1_error"] == 1


def test_ten_crops_are_averaged_less_the_mean(net, examples, statistics):
    mean = statistics.mean_image()
    central = mean[4:60, 4:60]
    wrong = 0
    for images, labels, _ in central_batches(examples, "validation", size=64, batch_size=1):
        # The net subtracts the central mean itself.
        probabilities = net(ten_crop(images - mean, 56)[0] + central).numpy().mean(0)
        wrong += int(probabilities.argmax()) != int(labels[0])
    found = measure_errors(net, examples, "validation", ten_crop_mean=mean)
    assert found["top1_error"] == pytest.approx(wrong / examples.count("validation"))


def test_a_net_of_another_size_is_refused(examples):
    net = keras.Sequential([keras.Input((60, 60, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="takes images of 60 x 60 pixels, not of 56"):
        measure_errors(net, examples, "validation")
