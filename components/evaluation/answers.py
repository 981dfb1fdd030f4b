"""The table of answers of models to every example of a split, from which all numbers of an evaluation are computed."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.components.data.batches import padded_batch_size, padded_batches
from zfnet.components.data.damage import named_damage
from zfnet.components.evaluation.probabilities import Probabilities, check_same_examples
from zfnet.model.progress import progress

# Images that a replica is given at once.
BATCH = 64


class Answers(NamedTuple):
    """One model's answers to all examples of a split, in its order, so that `read_origins` gives their ids.

    Attributes:
        labels: int64 `(n,)`, the true classes.
        predicted: int64 `(n,)`, the classes with the highest probability. It is the true class only if no other class has the same
            probability, so that a tie is an error here as well.
        probabilities: float64 `(n,)`, 0..1, of the predicted classes; 0 for NaN.
        ranks: int64 `(n,)`, the number of classes that are at least as probable as the true one, itself included: 1 is right. NaN has the
            number of classes + 1, so that it is an error for any number of guesses.
        of_class: float64 `(n,)`, 0..1, the probabilities of the true classes; 0 for NaN.
        classes: the number of classes.
    """

    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    ranks: np.ndarray
    of_class: np.ndarray
    classes: int

    @classmethod
    def of(cls, rows: np.ndarray, classes: int) -> "Answers":
        """Names the columns of `answer_rows`, float64 `(n, 5)`."""
        labels, predicted, probabilities, ranks, of_class = rows.T
        return cls(labels.astype(np.int64), predicted.astype(np.int64), probabilities, ranks.astype(np.int64), of_class, classes)


def answer_rows(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Computes the rows of the table for one batch.

    Args:
        labels: int tensor `(n,)`, the true classes.
        probabilities: float tensor `(n, classes)`.

    Returns:
        float64 tensor `(n, 5)`: label, predicted class, its probability, rank of the true class and its probability, see `Answers`.

    Examples:
        >>> answer_rows([0, 1], [[0.75, 0.25], [0.5, 0.5]]).numpy().tolist()  # the second is a tie
        [[0.0, 0.0, 0.75, 1.0, 0.75], [1.0, 0.0, 0.5, 2.0, 0.5]]
    """
    labels, scores = tf.cast(labels, tf.int32), tf.cast(probabilities, tf.float64)
    classes = scores.shape[-1]
    missing = tf.math.is_nan(scores)
    # As `top_k_error` counts. Comparisons with NaN are false, so that those rows need a rank of their own.
    at_least_as_good = tf.reduce_sum(tf.cast(scores >= tf.gather(scores, labels, batch_dims=1)[:, None], tf.int32), axis=1)
    ranks = tf.where(tf.reduce_any(missing, axis=1), classes + 1, at_least_as_good)
    known = tf.where(missing, tf.zeros_like(scores), scores)
    others = tf.where(tf.one_hot(labels, classes, on_value=True, off_value=False), tf.constant(-1, tf.float64), known)
    predicted = tf.where(ranks == 1, labels, tf.argmax(others, axis=1, output_type=tf.int32))
    columns = labels, predicted, tf.gather(known, predicted, batch_dims=1), ranks, tf.gather(known, labels, batch_dims=1)
    return tf.stack([tf.cast(column, tf.float64) for column in columns], axis=1)


def answer_split(models: list[Probabilities], split: str, *, ten_crop: bool = False) -> list[Answers]:
    """Asks each model, and the mean of their probabilities (Zeiler & Fergus 2013, Table 2), about every example of a split, each once.

    To use several devices, load the models and call this in the scope of a `tf.distribute` strategy: every replica takes a share of each
    batch.

    Args:
        models: with examples made from the same photographs.
        ten_crop: whether to average the probabilities of the paper's ten crops, instead of those of the central crop alone.

    Returns:
        The answers of each model, and last those of the ensemble.

    Raises:
        ValueError: the examples are not the same for all, have no such split, or are damaged.

    Examples:
        >>> alone, ensemble = answer_split([Probabilities(model, examples)], "validation")
        >>> len(alone.labels) == examples.count("validation")
        True
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
        if len(models) > 1:
            predicted.append(tf.add_n(predicted) / len(predicted))
        rows = tf.stack([answer_rows(labels, each) for each in predicted], axis=1)
        # Which rows count goes with them: replicas and workers exchange one tensor.
        return tf.concat([rows, tf.tile(tf.cast(counted, tf.float64)[:, None, None], (1, len(predicted), 1))], axis=2)

    @tf.function
    def answer_batch(batch):
        return strategy.gather(strategy.run(on_replica, (batch,)), axis=0)

    # The ensemble of one model is that model.
    table, filled = np.empty((count, len(models) + (len(models) > 1), 5)), 0
    with named_damage(*(model.examples for model in models)):
        for batch in progress(strategy.distribute_datasets_from_function(read), -(-count // batch_size), "Evaluating"):
            rows = answer_batch(batch).numpy()
            rows = rows[rows[:, 0, -1] == 1, :, :-1]
            table[filled : filled + len(rows)] = rows
            filled += len(rows)
    if filled != count:
        raise ValueError(
            f"{models[0].examples.path} has fewer examples in {split} than the {count} of its manifest: files are cut off. Copy the "
            "directory again, or prepare the examples again."
        )
    answers = [Answers.of(table[:, place], len(models[0].examples.labels)) for place in range(table.shape[1])]
    return answers if len(models) > 1 else answers * 2
