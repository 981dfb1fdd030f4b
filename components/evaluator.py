"""Evaluator: counts a model's errors, measures its filters, and decides whether it is good enough to be served."""

import json

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Setting, Statistics


def evaluate(
    examples: Input[Examples],
    statistics: Input[Statistics],
    model: Input[Model],
    evaluation: Output[Evaluation],
    *,
    ten_crop: bool,
    baseline: Setting[Evaluation | None],
) -> None:
    """Counts top-1 and top-5 error over every validation example, each once, and blesses the model or says why not.

    All GPUs of the machine take part.

    Args:
        examples: prepared examples; the split `validation` is used.
        statistics: class counts, and the mean image for ten crops.
        model: the trained model.
        evaluation: gets `evaluation.json`; `structured` there is the share of the first convolution's filters that have structure, null if
            they are too small to tell.
        ten_crop: whether to average the paper's ten crops as well (section 3).
        baseline: evaluation of the model pushed last for the same data, which this one must not fall behind; `None` if there is
            none.
    """
    from zfnet.components.data.local_copy import local_copy
    from zfnet.components.evaluation.all_gpus import all_gpus
    from zfnet.components.evaluation.blessing import bless
    from zfnet.components.evaluation.errors import measure_errors
    from zfnet.components.evaluation.saved_model_file import load_model_file
    from zfnet.model.measures.filter_structure import structured_share

    examples = local_copy(examples)
    with all_gpus().scope():
        net = load_model_file(local_copy(model).path / "model.keras")
        errors = measure_errors(net, examples, "validation")
        result = {**errors, "top1_error_ten_crop": None, "top5_error_ten_crop": None, "structured": structured_share(net)}
        if ten_crop:
            crops = measure_errors(net, examples, "validation", ten_crop_mean=statistics.mean_image())
            result |= {"top1_error_ten_crop": crops["top1_error"], "top5_error_ten_crop": crops["top5_error"]}
    class_counts = statistics.read_json("statistics.json")["classes"]["validation"]
    blessed, reason = bless(result, class_counts, baseline.read_json("evaluation.json") if baseline else None)
    result |= {"blessed": blessed, "reason": reason}
    (evaluation.path / "evaluation.json").write_text(json.dumps(result, indent=1))
