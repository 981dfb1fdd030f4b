"""TrainingError: errors of a trained net on its training examples."""

import json

from zfnet.components.artifacts import Examples, Input, Model, Output, TrainingError


def measure_training_error(
    examples: Input[Examples],
    model: Input[Model],
    training_error: Output[TrainingError],
) -> None:
    """Counts top-1 and top-5 error over every training example, each once, as the Evaluator does over those for validation.

    Zeiler & Fergus 2013, Table 3, first column. Reading: measured with the trained net, on central crops and without dropout, so that it
    can be compared with the validation error. The errors shown during a training are of many nets, on ten crops, with dropout.

    Args:
        examples: prepared examples; the split `train` is used.
        model: the trained model.
        training_error: gets `training_error.json`.
    """
    from zfnet.components.evaluation.answers import answer_split
    from zfnet.components.evaluation.errors import error_shares
    from zfnet.components.evaluation.measures import all_gpus
    from zfnet.components.evaluation.probabilities import Probabilities
    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.components.storage.local_copy import local_copy

    with all_gpus().scope():
        net = load_model_file(local_copy(model).path / "model.keras")
        answers = answer_split([Probabilities(net, local_copy(examples))], "train")[0]
    errors = error_shares(answers.ranks, answers.classes) | {"examples": len(answers.labels)}
    (training_error.path / "training_error.json").write_text(json.dumps(errors, indent=1))
