import collections

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.training.epoch_summaries import EpochSummaries


def test_learning_rate_is_the_one_that_the_epoch_was_trained_at(tmp_path):
    model = keras.Sequential([keras.Input((6, 5, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    writers = [tf.summary.create_file_writer(str(tmp_path / split)) for split in ("train", "validation")]
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=1e9)
    data = np.ones((8, 6, 5, 3)), np.ones((8, 1))
    history = model.fit(*data, epochs=3, callbacks=[EpochSummaries(*writers), plateau], verbose=0).history
    (file,) = (tmp_path / "train").iterdir()
    shown = [
        float(tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
        if value.tag == "learning_rate"
    ]
    assert shown == [float(rate) for rate in history["learning_rate"]] == [0.5, 0.5, 0.25]


def test_scalars_and_filters_stand_at_the_epoch_counted_from_one(tmp_path):
    model = keras.Sequential(
        [keras.Input((6, 5, 3)), keras.layers.Conv2D(4, 3, name="conv1"), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.125), "mse")
    images, targets = np.ones((8, 6, 5, 3)), np.ones((8, 1))
    writers = [tf.summary.create_file_writer(str(tmp_path / split)) for split in ("train", "validation")]
    history = model.fit(
        images, targets, validation_data=(images, targets), epochs=2, callbacks=[EpochSummaries(*writers)], verbose=0
    ).history
    found = {split: collections.defaultdict(dict) for split in ("train", "validation")}
    for split, tags in found.items():
        for file in (tmp_path / split).iterdir():
            for event in tf.compat.v1.train.summary_iterator(str(file)):
                for value in event.summary.value:
                    tags[value.tag][event.step] = tf.make_ndarray(value.tensor)
    assert sorted(found["train"]) == ["filters/conv1", "learning_rate", "loss"]
    assert sorted(found["validation"]) == ["loss"]
    np.testing.assert_allclose([found["train"]["loss"][1], found["train"]["loss"][2]], history["loss"], rtol=1e-6)
    np.testing.assert_allclose([found["validation"]["loss"][step] for step in (1, 2)], history["val_loss"], rtol=1e-6)
    assert found["train"]["learning_rate"] == {1: 0.125, 2: 0.125}
    assert sorted(found["train"]["filters/conv1"]) == [1, 2]
