import keras
import numpy as np
import pytest

from zfnet.components.data.batches import central_crops
from zfnet.components.features.candidates import Candidates
from zfnet.components.features.extract import check_free_space, extract_features
from zfnet.model import Deconvnet


@pytest.fixture(scope="module")
def net():
    """Takes 40 x 56 pixels."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((40, 56, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 5, strides=3, activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(),
            layers.Dense(6, activation="relu", name="hidden"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


def test_features_are_those_of_the_keras_model(examples, net, tmp_path):
    candidates = Candidates.of(examples)
    chosen = [len(candidates) - 1, 3, 0, candidates.train_count, 3]
    numbers, features = extract_features(Deconvnet(net), candidates, chosen, ["pool", "hidden"], tmp_path)
    assert numbers.tolist() == sorted(set(chosen))
    images = np.concatenate(
        [batch[0] for split in ("train", "validation") for batch in central_crops(examples, split, size=56, batch_size=8)]
    )
    sub = keras.Model(net.inputs, [net.get_layer("pool").output, net.get_layer("hidden").output])
    for layer, expected in zip(("pool", "hidden"), sub.predict(images[numbers][:, 8:48], verbose=0), strict=True):
        np.testing.assert_allclose(features[layer], expected.reshape(len(numbers), -1), atol=1e-5)


def test_nan_is_an_error(examples, net, tmp_path):
    broken = keras.models.clone_model(net)
    broken.get_layer("classes").bias.assign(np.full(3, np.nan))
    with pytest.raises(ValueError, match="'classes' gives NaN"):
        extract_features(Deconvnet(broken), Candidates.of(examples), [0], ["pool", "classes"], tmp_path)


def test_a_full_disk_is_told_beforehand(tmp_path):
    with pytest.raises(OSError, match=r"1000000000.0 GB of disk.*name fewer --layer"):
        check_free_space(tmp_path, 10**18)
