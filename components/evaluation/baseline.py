"""The baseline of a blessing: the model pushed last, and its errors on the examples of today."""

from typing import TYPE_CHECKING, Any, NamedTuple

from etils import epath

from zfnet.components.artifacts import Evaluation, Examples, Model
from zfnet.components.storage.local_copy import local_copy

if TYPE_CHECKING:
    import keras

ERRORS = ("top1_error", "top5_error")
GRAPH = "saved_model.pb"


class Pushed(NamedTuple):
    """The model pushed last, as far as it still exists.

    Attributes:
        version: number of its version.
        served: directory of this version, a SavedModel.
        examples_digest: digest of the examples that it was trained and evaluated on.
        evaluation: its evaluation; None if it is gone.
        model: the model; None if it is gone, or only the served version is known.
        examples: the examples that it was trained on; None if they are gone or not known.
    """

    version: int
    served: epath.Path
    examples_digest: str
    evaluation: Evaluation | None = None
    model: Model | None = None
    examples: Examples | None = None


def measure_baseline(pushed: Pushed, examples: Examples) -> dict[str, Any]:
    """Finds the errors of the model pushed last on validation examples: as recorded for the same examples, else it is evaluated on these.

    Returns:
        `version`; `top1_error` and `top5_error`, fractions 0..1, None if the model can't be compared; `not_compared`, the reason for that,
        or None; and `evaluated_anew`, whether the errors were not recorded ones. In this case also `scaled_to`, the side in pixels that the
        images were scaled to, None if the model takes their size; and `trained_on`, the number of these validation examples, by their
        ids, that the model was trained on, None if that is not known.

    Raises:
        ValueError: the model's file is damaged, and so is its served version, or it is gone.

    Examples:
        >>> model.save(tmp_path / "model.keras")
        >>> np.savetxt(tmp_path / "labels.txt", examples.labels, "%s")
        >>> found = measure_baseline(Pushed(3, tmp_path, "another digest", model=Model(tmp_path)), examples)
        >>> found["evaluated_anew"], found["trained_on"]
        (True, None)
    """
    found: dict[str, Any] = {"version": pushed.version, **dict.fromkeys(ERRORS), "not_compared": None, "evaluated_anew": False}
    if pushed.evaluation is not None and pushed.examples_digest == examples.digest():
        recorded = pushed.evaluation.read_json("evaluation.json")
        return found | {name: recorded[name] for name in ERRORS}
    from zfnet.components.evaluation.probabilities import class_order

    if pushed.model is None and not (pushed.served / GRAPH).exists():
        return found | {"not_compared": f"its files, {pushed.served}, are gone"}
    net, labels = _load(pushed)
    try:
        order = class_order(f"version {pushed.version}", labels, examples.labels)
    except ValueError as error:
        return found | {"not_compared": str(error)}
    return found | {"evaluated_anew": True} | _evaluate(pushed, net, order, local_copy(examples))


def _evaluate(pushed: Pushed, net: "keras.Model", order: list[int], examples: Examples) -> dict[str, Any]:
    """Evaluates the pushed model, opened, on the validation examples, and counts those that it was trained on."""
    from zfnet.components.data.batches import read_origins
    from zfnet.components.evaluation.answers import answer_split
    from zfnet.components.evaluation.measures import errors
    from zfnet.components.evaluation.probabilities import Probabilities

    size = net.inputs[0].shape[1]
    numbers = errors(answer_split([Probabilities(_scaling(net, examples.image_size), examples, order)], "validation")[0])
    trained_on = None
    if pushed.examples is not None:
        trained = set(read_origins(local_copy(pushed.examples), "train").ids)
        trained_on = len(trained.intersection(read_origins(examples, "validation").ids))
    return numbers | {"scaled_to": None if size == examples.image_size else size, "trained_on": trained_on}


def _load(pushed: Pushed) -> tuple["keras.Model", list[str]]:
    """Opens the model, or its served version if the model is damaged or not known, and reads the names of its classes."""
    import keras

    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.components.serving.saved_model import ServedModel

    if pushed.model is not None:
        model = local_copy(pushed.model)
        try:
            return load_model_file(model.path / "model.keras"), (model.path / "labels.txt").read_text().splitlines()
        except ValueError as error:
            if not (pushed.served / GRAPH).exists():
                again = f"Put a copy of the file back; or remove {pushed.model.path}, to serve the new model without a comparison."
                raise ValueError(f"The model pushed last, version {pushed.version}, can't be opened: {error} {again}") from error
    served = ServedModel(pushed.served)
    images = keras.Input((served.size, served.size, 3))
    return keras.Model(images, keras.layers.Lambda(served.of, output_shape=(len(served.labels),))(images)), served.labels


def _scaling(net: "keras.Model", side: int) -> "keras.Model":
    """The net for images of `side` pixels, which are scaled to its own size: central crops show the same part of a photograph."""
    import keras

    size = net.inputs[0].shape[1]
    if size == side:
        return net
    images = keras.Input((side, side, 3))
    return keras.Model(images, net(keras.layers.Resizing(size, size, antialias=True)(images)))
