"""Top-1 and top-5 error of a saved net over a split, every example counted once."""

import keras
import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.evaluation.ensemble import measure_ensemble
from zfnet.components.evaluation.probabilities import Probabilities


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
