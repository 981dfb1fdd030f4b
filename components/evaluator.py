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
    slice_by: str | None = None,
    slice_digest: str | None = None,
    slice_table: Setting[str | None] = None,
    baseline: Setting[Pushed | None],
) -> None:
    """Measures the model over every validation example, each once, on all GPUs, and blesses it or says why not.

    Args:
        examples: prepared examples; the split `validation` is used.
        statistics: class counts, and the mean image for ten crops.
        model: the trained model.
        evaluation: gets `evaluation.json`: the numbers of all `MEASURES`; the lists of `tell_mistakes`; `slice_by`; `structured`, the share
            of the first convolution's filters that have structure, null if they are too small to tell; `blessed`, and the `reason`; the
            `thresholds`; and `baseline`, the errors of the model pushed last, see `measure_baseline`. Also gets the
            confusion matrix, see `write_confusion`.
        ten_crop: whether to average the paper's ten crops as well (section 3).
        thresholds: conditions that the model must meet to be served, such as `top1_error<0.2`, `top1_error[CLASS]<0.3` for one class and
            `top1_error[*]<0.4` for each class.
        slice_by: a column of the table that the examples were prepared from; the errors are measured for each of its texts. None for none.
        slice_digest: digest of that column, so that examples are evaluated anew when it changed, see `column_digest`.
        slice_table: path of that table.
        baseline: the model that was pushed last; None if there is none.

    Raises:
        ValueError: a threshold is no condition, or is for a class that the examples do not have; or the table has no such column, or
            no row for an example.
    """
    from zfnet.components.data.batches import read_origins
    from zfnet.components.data.sources.table_column import column_values, find_table
    from zfnet.components.evaluation.confusion import Confusion, write_confusion
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
    ids = read_origins(local, "validation").ids
    values = column_values(slice_table or find_table(str(examples.path), slice_by), slice_by, ids) if slice_by else None
    result |= {"slice_by": slice_by} | tell_mistakes(answers, local.labels, ids, values)
    blessed, reason = bless(result, statistics.read_json("statistics.json")["classes"]["validation"], last, conditions)
    result |= {"blessed": blessed, "reason": reason, "thresholds": list(map(str, conditions)), "baseline": last}
    write_confusion(evaluation, Confusion.of(answers.labels, answers.predicted, answers.classes))
    (evaluation.path / "evaluation.json").write_text(json.dumps(result, indent=1))
