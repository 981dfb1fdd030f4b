"""Top-1 and top-5 error of saved models, single or averaged, over a split; every example counted once."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import padded_batch_size, padded_batches
from zfnet.components.evaluation.class_order import check_same_examples
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.model.net.evaluation import top_k_error
from zfnet.model.progress import progress

GUESSES = (1, 5)
# Images that a replica is given at once.
BATCH = 64


def measure_errors(
    net: keras.Model,
    examples: Examples,
    split: str,
    *,
    ten_crop_mean: np.ndarray | None = None,
) -> dict:
    """Counts the errors of a net, on all replicas of the strategy in whose scope it is called.

    Args:
        net: takes RGB values 0..255 of `examples.image_size`, gives probabilities.
        examples: prepared examples.
        split: which split.
        ten_crop_mean: mean image `(side, side, 3)`; with it, the probabilities of the paper's ten crops are averaged (Zeiler &
            Fergus 2013, section 3; averaging as in Krizhevsky et al. 2012).

    Returns:
        `top1_error` and `top5_error`, fractions 0..1, and `examples`, their number.

    Raises:
        ValueError: if the net was made for another size or number of classes.

    Examples:
        >>> with all_gpus().scope():
        ...     errors = measure_errors(load_model_file("model.keras"), examples, "validation")
    """
    answers = Probabilities(net, examples, mean=ten_crop_mean)
    return measure_ensemble([answers], split, ten_crop=ten_crop_mean is not None)[0]


def all_gpus() -> tf.distribute.Strategy:
    """MirroredStrategy over the GPUs where there are several, else the strategy of the scope that this is called in."""
    return tf.distribute.MirroredStrategy() if len(tf.config.list_logical_devices("GPU")) > 1 else tf.distribute.get_strategy()


def count_errors(labels: ArrayLike, probabilities: ArrayLike, counted: ArrayLike) -> tf.Tensor:
    """Counts top-1 and top-5 errors, strictly: a tie with the true class is an error, and so is NaN (see `top_k_error`).

    With five classes or fewer, as many guesses are given as there are classes, and only NaN is wrong then.

    Args:
        labels: int tensor `(n,)`, the true classes.
        probabilities: float tensor `(n, classes)`.
        counted: bool tensor `(n,)`; examples where it is false only fill up the batch.

    Returns:
        float32 tensor `(2,)`: the number of examples, of those that count, whose class is not the best guess, and not among the best
        five. Floats, which every strategy can sum over replicas; whole numbers up to 2**24.

    Examples:
        >>> count_errors([0, 1, 1], [[0.7, 0.3], [0.6, 0.4], [0.6, 0.4]], [True, True, False])
        <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 0.], dtype=float32)>
    """
    probabilities = tf.convert_to_tensor(probabilities)
    classes = probabilities.shape[-1]
    wrong = tf.stack([top_k_error(labels, probabilities, min(k, classes)) for k in GUESSES], axis=1)
    return tf.reduce_sum(tf.where(tf.convert_to_tensor(counted)[:, None], wrong, 0.0), axis=0)


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
    check_same_examples([model.examples for model in models], split)
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    # Models that look at the same images share them.
    wanted = [(str(model.examples.path), model.stored_size(ten_crop)) for model in models]
    images = {key: (model.examples, key[1]) for key, model in zip(wanted, models, strict=True)}
    places = [list(images).index(key) for key in wanted]
    count = models[0].examples.count(split)
    batch_size = padded_batch_size(count, BATCH, replicas)

    def read(context):
        read = (padded_batches(examples, split, size=size, batch_size=batch_size, context=context) for examples, size in images.values())
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
