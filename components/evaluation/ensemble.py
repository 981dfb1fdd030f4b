"""Errors of models and of their ensemble, in one pass over the examples, under any strategy, every example counted once."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zfnet.components.data.counted_batches import counted_batches, full_batch_size
from zfnet.components.evaluation.count_errors import GUESSES, count_errors
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.evaluation.same_examples import refuse_different_examples
from zfnet.model.progress import progress

# Images that a replica is given at once.
BATCH = 64


def measure_ensemble(
    models: Sequence[Probabilities],
    split: str,
    *,
    ten_crop: bool = False,
) -> list[dict]:
    """Counts the errors of each model and of the mean of their probabilities (Zeiler & Fergus 2013, Table 2).

    To use several devices, load the models and call this in the scope of a `tf.distribute` strategy: every replica takes a share of each
    batch, and the counts are summed up. The last batch is filled up with images that do not count.

    Args:
        models: with examples of the same photographs.
        split: which split.
        ten_crop: whether to average the probabilities of the paper's ten crops.

    Returns:
        For each model, and last for the ensemble, `top1_error` and `top5_error`, fractions 0..1, and `examples`, their number.

    Raises:
        ValueError: the examples are not the same for all, or have no such split.
    """
    splits = models[0].examples.read_json("manifest.json")["splits"]
    if split not in splits:
        raise ValueError(f"{models[0].examples.path} has no split {split!r}; it has {', '.join(splits)}.")
    refuse_different_examples([model.examples for model in models], split)
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    # Models that look at the same images share them.
    wanted = [(str(model.examples.path), model.stored_size(ten_crop)) for model in models]
    images = {key: (model.examples, key[1]) for key, model in zip(wanted, models, strict=True)}
    places = [list(images).index(key) for key in wanted]
    count = models[0].examples.count(split)
    batch_size = full_batch_size(count, BATCH, replicas)

    def read(context):
        read = (counted_batches(examples, split, size=size, batch_size=batch_size, context=context) for examples, size in images.values())
        return tf.data.Dataset.zip(tuple(read))

    def on_replica(*cuts):
        _, labels, counted = cuts[0]
        answers = [model.of(cuts[place][0], ten_crop) for model, place in zip(models, places, strict=True)]
        mean = tf.add_n(answers) / len(answers)
        errors = tf.stack([count_errors(labels, answer, counted) for answer in [*answers, mean]])
        return errors, tf.reduce_sum(tf.cast(counted, tf.float32))

    @tf.function
    def count_batch(*cuts):
        counts = strategy.run(on_replica, cuts)
        return tuple(strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None) for each in counts)

    errors, examples = np.zeros((len(models) + 1, len(GUESSES)), int), 0
    for batch in progress(strategy.distribute_datasets_from_function(read), -(-count // batch_size), "Evaluating"):
        wrong, counted = count_batch(*batch)
        errors += wrong.numpy().astype(int)
        examples += int(counted)
    return [
        {f"top{k}_error": wrong / examples for k, wrong in zip(GUESSES, row.tolist(), strict=True)} | {"examples": examples}
        for row in errors
    ]
