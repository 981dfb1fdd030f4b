import collections

import tensorflow as tf

from zfnet.components.training.callbacks.summaries import EpochSummaries


def test_scalars_have_the_epoch_counted_from_one(tmp_path):
    writers = [tf.summary.create_file_writer(str(tmp_path / split)) for split in ("train", "validation")]
    summaries = EpochSummaries(*writers)
    losses, validation = [0.5, 0.25], [0.75, 0.625]
    for epoch in range(2):
        summaries.on_epoch_end(epoch, {"loss": losses[epoch], "structured": 0.75, "val_loss": validation[epoch], "learning_rate": 0.125})
    found = {split: collections.defaultdict(dict) for split in ("train", "validation")}
    for split, tags in found.items():
        for file in (tmp_path / split).iterdir():
            for event in tf.compat.v1.train.summary_iterator(str(file)):
                for value in event.summary.value:
                    tags[value.tag][event.step] = tf.make_ndarray(value.tensor)
    assert sorted(found["train"]) == ["epoch/learning_rate", "epoch/loss"]  # Not the measure of filters, which has a writer of its own
    assert sorted(found["validation"]) == ["epoch/loss"]
    assert [found["train"]["epoch/loss"][step] for step in (1, 2)] == losses
    assert [found["validation"]["epoch/loss"][step] for step in (1, 2)] == validation
    assert found["train"]["epoch/learning_rate"] == {1: 0.125, 2: 0.125}
