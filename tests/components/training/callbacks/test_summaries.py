import collections

import keras
import tensorflow as tf

from zfnet.components.training.callbacks.summaries import EpochSummaries


def test_scalars_and_filters_stand_at_the_epoch_counted_from_one(tmp_path):
    model = keras.Sequential(
        [keras.Input((6, 5, 3)), keras.layers.Conv2D(4, 3, name="conv1"), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    writers = [tf.summary.create_file_writer(str(tmp_path / split)) for split in ("train", "validation")]
    summaries = EpochSummaries(*writers)
    summaries.set_model(model)
    losses, validation = [0.5, 0.25], [0.75, 0.625]
    for epoch in range(2):
        summaries.on_epoch_end(epoch, {"loss": losses[epoch], "structured": 0.75, "val_loss": validation[epoch], "learning_rate": 0.125})
    found = {split: collections.defaultdict(dict) for split in ("train", "validation")}
    for split, tags in found.items():
        for file in (tmp_path / split).iterdir():
            for event in tf.compat.v1.train.summary_iterator(str(file)):
                for value in event.summary.value:
                    tags[value.tag][event.step] = tf.make_ndarray(value.tensor)
    assert sorted(found["train"]) == ["epoch/learning_rate", "epoch/loss", "epoch/structured", "filters/conv1"]
    assert sorted(found["validation"]) == ["epoch/loss"]
    assert [found["train"]["epoch/loss"][step] for step in (1, 2)] == losses
    assert [found["validation"]["epoch/loss"][step] for step in (1, 2)] == validation
    assert found["train"]["epoch/structured"] == {1: 0.75, 2: 0.75}
    assert found["train"]["epoch/learning_rate"] == {1: 0.125, 2: 0.125}
    assert sorted(found["train"]["filters/conv1"]) == [1, 2]
