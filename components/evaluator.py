"""Evaluator: measures a model and its filters, and says whether it may be served."""

import json

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Setting, Statistics
from zfnet.components.evaluation.baseline import Pushed, measure_baseline
from zfnet.components.evaluation.blessing import bless
from zfnet.components.evaluation.threshold import Threshold


def evaluate(
    examples: Input[Examples],
    statistics: Input[Statistics],
    model: Input[Model],
    evaluation: Output[Evaluation],
    *,
    ten_crop: bool,
    thresholds: tuple[str, ...] = (),
    baseline: Setting[Pushed | None],
) -> None:
    """Measures the model over every validation example, each once, on all GPUs, and blesses it or says why not.

    Args:
        examples: prepared examples; the split `validation` is used.
        statistics: class counts, and the mean image for ten crops.
        model: the trained model.
        evaluation: gets `evaluation.json`: the numbers of all `MEASURES`; the lists of `tell_mistakes`; `structured`, the share of the
            first convolution's filters that have structure, null if they are too small to tell; `blessed`, and the `reason`; the
            `thresholds`; and `baseline`, the errors of the model pushed last, see `measure_baseline`. Also gets `confusion.npy`, the
            confusion matrix.
        ten_crop: whether to average the paper's ten crops as well (section 3).
        thresholds: conditions that the model must meet to be served, such as `top1_error<0.2`, `top1_error[CLASS]<0.3` for one class and
            `top1_error[*]<0.4` for each class.
        baseline: the model that was pushed last; None if there is none.

    Raises:
        ValueError: a threshold is no condition, or is for a class that the examples do not have.
    """
    import numpy as np

    from zfnet.components.data.batches import read_origins
    from zfnet.components.evaluation.confusion import confusion_matrix
    from zfnet.components.evaluation.measures import all_gpus, evaluate_models, tell_mistakes
    from zfnet.components.evaluation.probabilities import Probabilities
    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.components.storage.local_copy import local_copy
    from zfnet.model.measures.filters import structured_share

    conditions = [Threshold.parse(text) for text in thresholds]
    for condition in conditions:
        condition.check_class(examples.labels)
    with all_gpus().scope():
        net = load_model_file(local_copy(model).path / "model.keras")
        local = local_copy(examples)
        probabilities = Probabilities(net, local, mean=statistics.mean_image() if ten_crop else None)
        answers, result = evaluate_models([probabilities], "validation", ten_crop=ten_crop)[0]
        result |= {"structured": structured_share(net)}
        last = measure_baseline(baseline, local) if baseline else None
    result |= tell_mistakes(answers, local.labels, read_origins(local, "validation").ids)
    blessed, reason = bless(result, statistics.read_json("statistics.json")["classes"]["validation"], last, conditions)
    result |= {"blessed": blessed, "reason": reason, "thresholds": list(map(str, conditions)), "baseline": last}
    with (evaluation.path / "confusion.npy").open("wb") as file:
        np.save(file, confusion_matrix(answers.labels, answers.predicted, answers.classes))
    (evaluation.path / "evaluation.json").write_text(json.dumps(result, indent=1))
