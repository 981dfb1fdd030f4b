"""Evaluate models and their ensemble: a list of measures, all computed in one pass over the examples."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.components.data.batches import padded_batch_size, padded_batches
from zfnet.components.data.damage import named_damage
from zfnet.components.evaluation.errors import count_errors, error_shares
from zfnet.components.evaluation.probabilities import Probabilities, check_same_examples
from zfnet.model.progress import progress

# Images that a replica is given at once.
BATCH = 64


class Measure(NamedTuple):
    """One or several numbers of an evaluation, as two functions.

    Attributes:
        sums: takes labels `(n,)`, probabilities `(n, classes)` and bools `(n,)` of one batch, and returns a float tensor whose shape is the
            same for every batch; it is summed over batches and replicas. The bools are false for black images that only fill up the
            batch: choose with `tf.where`, because a product with 0 keeps NaN.
        numbers: takes these sums, a float64 array, and the number of examples, and returns the numbers by name, as JSON can hold them (None
            where there is none, such as the error of a class without examples).
    """

    sums: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    numbers: Callable[[np.ndarray, int], dict[str, Any]]


# Every evaluation computes all of these.
MEASURES = [
    Measure(count_errors, error_shares),
]


def all_gpus() -> tf.distribute.Strategy:
    """MirroredStrategy over the GPUs if there are several, else the strategy of the scope that this is called in."""
    return tf.distribute.MirroredStrategy() if len(tf.config.list_logical_devices("GPU")) > 1 else tf.distribute.get_strategy()


def evaluate_models(models: list[Probabilities], split: str, *, ten_crop: bool) -> list[dict[str, Any]]:
    """Computes the numbers of `measure_models` for central crops, and each again for ten crops under the name `NAME_ten_crop`.

    The numbers for ten crops are None if `ten_crop` is false.
    """
    central = measure_models(models, split)
    crops = measure_models(models, split, ten_crop=True) if ten_crop else [dict.fromkeys(numbers) for numbers in central]
    return [
        numbers | {f"{name}_ten_crop": number for name, number in others.items() if name != "examples"}
        for numbers, others in zip(central, crops, strict=True)
    ]


def measure_models(models: list[Probabilities], split: str, *, ten_crop: bool = False) -> list[dict[str, Any]]:
    """Computes all `MEASURES` for each model and for the mean of their probabilities (Zeiler & Fergus 2013, Table 2).

    Every example counts once. To use several devices, load the models and call this in the scope of a `tf.distribute` strategy: every
    replica takes a share of each batch.

    Args:
        models: with examples made from the same photographs.
        ten_crop: whether to average the probabilities of the paper's ten crops, instead of those of the central crop alone.

    Returns:
        For each model, and last for the ensemble, the numbers by name, such as `top1_error`; and `examples`, their number.

    Raises:
        ValueError: the examples are not the same for all, have no such split, or are damaged.

    Examples:
        >>> alone, ensemble = measure_models([Probabilities(model, examples)], "validation")
        >>> list(alone)
        ['top1_error', 'top5_error', 'examples']
    """
    splits = models[0].examples.read_json("manifest.json")["splits"]
    if split not in splits:
        raise ValueError(f"{models[0].examples.path} has no split {split!r}; it has {', '.join(splits)}.")
    check_same_examples([model.examples for model in models], split)
    strategy = tf.distribute.get_strategy()
    # Models that take the same images share them.
    keys = [f"{model.examples.path} {model.stored_size(ten_crop)}" for model in models]
    count = models[0].examples.count(split)
    batch_size = padded_batch_size(count, BATCH, strategy.num_replicas_in_sync)

    def read(context):
        batches = {}
        for key, model in zip(keys, models, strict=True):
            batches[key] = padded_batches(model.examples, split, size=model.stored_size(ten_crop), batch_size=batch_size, context=context)
        return tf.data.Dataset.zip(batches)

    def on_replica(batch):
        _, labels, counted = batch[keys[0]]
        predicted = [model.of(batch[key][0], ten_crop) for key, model in zip(keys, models, strict=True)]
        predicted.append(tf.add_n(predicted) / len(predicted))
        sums = [tf.stack([measure.sums(labels, each, counted) for each in predicted]) for measure in MEASURES]
        return *sums, tf.reduce_sum(tf.cast(counted, tf.float32))

    @tf.function
    def sum_batch(batch):
        return [strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None) for each in strategy.run(on_replica, (batch,))]

    totals: list[Any] = [0.0] * (len(MEASURES) + 1)
    with named_damage(*(model.examples for model in models)):
        for batch in progress(strategy.distribute_datasets_from_function(read), -(-count // batch_size), "Evaluating"):
            totals = [total + summed.numpy().astype(float) for total, summed in zip(totals, sum_batch(batch), strict=True)]
    *sums, counted = totals
    if int(counted) != count:
        raise ValueError(
            f"{models[0].examples.path} has fewer examples in {split} than the {count} of its manifest: files are cut off. Copy the "
            "directory again, or prepare the examples again."
        )
    rows = []
    for place in range(len(models) + 1):
        numbers: dict[str, Any] = {}
        for measure, total in zip(MEASURES, sums, strict=True):
            numbers |= measure.numbers(total[place], int(counted))
        rows.append(numbers | {"examples": int(counted)})
    return rows
