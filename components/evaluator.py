"""Evaluator: measures a model and its filters, and decides whether it may be served."""

import json

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Setting, Statistics

GUESSES = 5


def evaluate(
    examples: Input[Examples],
    statistics: Input[Statistics],
    model: Input[Model],
    evaluation: Output[Evaluation],
    *,
    ten_crop: bool,
    baseline: Setting[Evaluation | None],
) -> None:
    """Measures the model over every validation example, each once, on all GPUs, and blesses it or says why not.

    Args:
        examples: prepared examples; the split `validation` is used.
        statistics: class counts, and the mean image for ten crops.
        model: the trained model.
        evaluation: gets `evaluation.json`: the numbers of all `MEASURES`; `structured`, the share of the first convolution's filters that
            have structure, null if they are too small to tell; `blessed`, and the `reason`.
        ten_crop: whether to average the paper's ten crops as well (section 3).
        baseline: evaluation of the model that was pushed last for the same data; None if there is none.
    """
    from zfnet.components.evaluation.measures import all_gpus, evaluate_models
    from zfnet.components.evaluation.probabilities import Probabilities
    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.components.storage.local_copy import local_copy
    from zfnet.model.measures.filters import structured_share

    with all_gpus().scope():
        net = load_model_file(local_copy(model).path / "model.keras")
        probabilities = Probabilities(net, local_copy(examples), mean=statistics.mean_image() if ten_crop else None)
        result = evaluate_models([probabilities], "validation", ten_crop=ten_crop)[0] | {"structured": structured_share(net)}
    class_counts = statistics.read_json("statistics.json")["classes"]["validation"]
    blessed, reason = bless(result, class_counts, baseline.read_json("evaluation.json") if baseline else None)
    result |= {"blessed": blessed, "reason": reason}
    (evaluation.path / "evaluation.json").write_text(json.dumps(result, indent=1))


def bless(errors: dict, class_counts: list[int], baseline: dict | None) -> tuple[bool, str]:
    """Decides whether a model is good enough to be served.

    It must be better than always predicting the most frequent classes, and no worse than the model pushed last for the same data. The
    top-5 error decides; with five classes or fewer, where five guesses can't miss, the top-1 error does.

    Args:
        errors: `top1_error` and `top5_error` of the model, fractions 0..1.
        class_counts: number of validation examples of each class.
        baseline: the same errors of the model pushed last; None if there is none.

    Returns:
        Whether it is blessed, and the reason in a sentence.

    Examples:
        >>> bless({"top1_error": 0.25, "top5_error": 0.0}, [5, 15], None)
        (False, 'top-1 error 0.2500 is not below 0.2500, the error of always predicting the most frequent class')
    """
    guesses = GUESSES if len(class_counts) > GUESSES else 1
    name = f"top{guesses}_error"
    error, label = errors[name], f"top-{guesses} error"
    rarest = sorted(class_counts)[: len(class_counts) - guesses]
    chance = sum(rarest) / sum(class_counts)
    classes = "the most frequent class" if guesses == 1 else f"the {guesses} most frequent classes"
    if not error < chance:
        return False, f"{label} {error:.4f} is not below {chance:.4f}, the error of always predicting {classes}"
    if baseline and error > baseline[name]:
        return False, f"{label} {error:.4f} is above {baseline[name]:.4f}, the error of the last pushed model for the same data"
    beaten = f", and not above {baseline[name]:.4f}, the error of the last pushed model" if baseline else ""
    return True, f"{label} {error:.4f} is below {chance:.4f}, the error of always predicting {classes}{beaten}"
