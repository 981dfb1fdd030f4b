"""Checks an exported SavedModel before it is served: its answers in a process that has TensorFlow alone, against those of Keras."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from etils import epath
from PIL import Image
from tensorflow.core.framework.tensor_pb2 import TensorProto

from zfnet.components.artifacts import Examples, Model
from zfnet.components.data.batches import FEATURES, central_crops
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.pictures.projected_activation import signed_to_rgb
from zfnet.components.serving import ask
from zfnet.components.storage.local_copy import local_copy
from zfnet.model.deconvnet.deconvnet import STRONGEST, Deconvnet

PHOTOGRAPHS = 4
# The largest differences that pass: of a probability; of an activation, as a share of it; and of a pixel 0..255, in all but a hundredth.
TOLERANCE, PIXELS, SHARE = 1e-3, 2, 0.01
Answers = dict[str, dict[str, np.ndarray]]


@contextlib.contextmanager
def asking_process() -> Iterator[subprocess.Popen[str]]:
    """Starts a process that sees neither Keras nor this project nor a GPU, which the training may still hold.

    It imports TensorFlow at once, so that it is ready when the model is exported. In the end it is stopped.
    """
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-I", str(pathlib.Path(ask.__file__))]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=nowhere, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def check_export(
    path: epath.PathLike, model: Model, examples: Examples, time_limit: float, process: subprocess.Popen[str] | None = None
) -> dict[str, Any]:
    """Asks an exported SavedModel through every signature with a few stored photographs, and compares the answers with those of Keras.

    Args:
        path: local directory of the SavedModel.
        model: the model that was exported.
        examples: its examples; the first of the validation split are asked, of the training split if that is empty.
        time_limit: seconds that loading and all answers may take together.
        process: an `asking_process` that was started before the export; None starts one.

    Returns:
        `photographs`, their number; `tolerance`; `tensorflow`, its version; `load_seconds`; and by signature `seconds` of the `first`
        answer and of the `second`, and the largest `difference`: of a probability, and for `project` of an activation as a share of it.

    Raises:
        ValueError: a signature gives other answers than Keras, fails or takes too long; or the directory can't be loaded.
    """
    with contextlib.ExitStack() as stack:
        process = process or stack.enter_context(asking_process())
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zfnet-check-")))
        stack.enter_context(tf.device("CPU"))
        questions, net, labels = _questions(local_copy(model), local_copy(examples))
        for signature, inputs in questions.items():
            (directory / "questions" / signature).mkdir(parents=True)
            for name, value in inputs.items():
                (directory / "questions" / signature / name).write_bytes(tf.make_tensor_proto(value).SerializeToString())
        _ask(process, path, directory)
        # The process is at work meanwhile.
        stack.enter_context(_eagerly())
        expected = _Expected(net, labels, questions["probabilities"]["images"])
        asked = _answer(process, directory, time_limit)
        if asked["signatures"] != sorted(questions):
            raise ValueError(f"The exported model has the signatures {asked['signatures']}; expected {sorted(questions)}.")
        answers = {
            signature: {file.name: tf.make_ndarray(TensorProto.FromString(file.read_bytes())) for file in folder.iterdir()}
            for signature in questions
            for folder in [directory / "answers" / signature]
        }
        differences = expected.compare(answers)
    return {
        "photographs": len(questions["probabilities"]["images"]),
        "tolerance": TOLERANCE,
        "tensorflow": asked["tensorflow"],
        "load_seconds": round(asked["load_seconds"], 3),
        "signatures": {
            name: {"seconds": dict(zip(("first", "second"), np.round(seconds, 4).tolist(), strict=True)), "difference": differences[name]}
            for name, seconds in asked["seconds"].items()
        },
    }


@contextlib.contextmanager
def _eagerly() -> Iterator[None]:
    """Runs functions of TensorFlow as they are: to compile a projection from each layer takes longer than to run it once."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _questions(model: Model, examples: Examples) -> tuple[Answers, keras.Model, list[str]]:
    """Inputs of every signature, the model, and the names of its classes."""
    net = load_model_file(model.path / "model.keras")
    labels = (model.path / "labels.txt").read_text().splitlines()
    split = "validation" if examples.count("validation") else "train"
    records = tf.data.TFRecordDataset(examples.shards(split)).take(PHOTOGRAPHS)
    files = np.array([tf.io.parse_single_example(record, FEATURES)["image"].numpy() for record in records], object)
    crops = central_crops(examples, split, size=net.input_shape[1], batch_size=PHOTOGRAPHS, most=PHOTOGRAPHS)
    images = next(iter(crops))[0].numpy()
    layers = np.array([layer.encode() for layer in Deconvnet(net).layers], object)
    project = {
        "image_bytes": np.repeat(files[:1], len(layers)),
        "layer": layers,
        "unit": np.full(len(layers), STRONGEST, np.int32),
    }
    return {"serving_default": {"image_bytes": files}, "probabilities": {"images": images}, "project": project}, net, labels


def _ask(process: subprocess.Popen[str], path: epath.PathLike, directory: pathlib.Path) -> None:
    """Hands the SavedModel and the directory of questions to an `asking_process`."""
    # If the process has ended already, its exit code says so later.
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps([str(path), str(directory)]), file=process.stdin, flush=True)


def _answer(process: subprocess.Popen[str], directory: pathlib.Path, time_limit: float) -> dict[str, Any]:
    """Waits for the answers, and reads `asked.json`."""
    report = directory / "asked.json"
    why = ""
    try:
        errors = process.communicate(timeout=time_limit)[1]
        if process.returncode:
            last = (errors.strip().splitlines() or [""])[-1]
            why = f"its process ended with exit code {process.returncode}: {last}"
    except subprocess.TimeoutExpired:
        why = f"it gave no answer within {time_limit:g} s, the time for the whole check; --check-seconds allows more"
    asked = json.loads(report.read_text()) if report.exists() else {"stage": "load"}
    if why := asked.get("error", why):
        fault = "can't be loaded with TensorFlow alone" if asked["stage"] == "load" else f"fails in its signature {asked['stage']}"
        raise ValueError(f"The exported model {fault}, and is not served: {' '.join(why.split())[:600].rstrip('.')}.")
    return asked


class _Expected:
    """Answers of Keras: probabilities `(N, classes)` of the images, and activations and projections of all layers for the first image."""

    def __init__(self, net: keras.Model, labels: list[str], images: np.ndarray) -> None:
        deconvnet = Deconvnet(net)
        self.labels, self.recording = labels, deconvnet.record(images[:1])
        self.probabilities = np.asarray(net(images, training=False), np.float64)
        self.activations = {layer: np.asarray(self.recording.activations(layer))[0] for layer in deconvnet.layers}
        self.projected: dict[tuple, np.ndarray] = {}
        for layer, values in self.activations.items():
            *place, unit = np.unravel_index(values.argmax(), values.shape)
            self._picture(layer, int(unit), tuple(map(int, place)))

    def compare(self, answers: Answers) -> dict[str, float]:
        """Compares the answers of all signatures; returns the largest difference of each.

        Raises:
            ValueError: one is beyond the tolerance.
        """
        compared = {"serving_default": self._labels, "probabilities": self._probabilities, "project": self._projections}
        return {name: round(compared[name](name, answer), 7) for name, answer in answers.items()}

    def _probabilities(self, name: str, answer: dict[str, np.ndarray]) -> float:
        return _near(name, "probabilities", answer["probabilities"], self.probabilities)

    def _labels(self, name: str, answer: dict[str, np.ndarray]) -> float:
        if refused := [text.decode() for text in answer["errors"] if text]:
            raise _differs(name, f"it refused a photograph that was stored: {refused[0]}")
        count = answer["probabilities"].shape[1]
        best = -np.sort(-self.probabilities, axis=1)[:, :count]
        difference = _near(name, "probabilities", answer["probabilities"], best)
        # If two classes are nearly equal, either may come first: each must have the probability that is beside it.
        for row, names in zip(self.probabilities, answer["labels"], strict=True):
            if unknown := [each.decode() for each in names if each.decode() not in self.labels]:
                raise _differs(name, f"it gave the label {unknown[0]!r}, which the model does not have")
            named = [row[self.labels.index(each.decode())] for each in names]
            _near(name, "probabilities of its labels", np.array(named), -np.sort(-row)[:count])
        return difference

    def _projections(self, name: str, answer: dict[str, np.ndarray]) -> float:
        if failed := [text.decode() for text in answer["errors"] if text]:
            raise _differs(name, failed[0])
        difference = 0.0
        for row, (layer, values) in enumerate(self.activations.items()):
            unit, strongest = int(answer["units"][row]), float(np.max(values))
            scale = max(1.0, abs(strongest))
            asked = f"activation of {layer}"
            difference = max(difference, _near(name, asked, answer["activations"][row] / scale, strongest / scale))
            place = tuple(answer["positions"][row].tolist()) if values.ndim == 3 else ()
            _near(name, asked, values[(*place, unit)] / scale, strongest / scale)
            with Image.open(io.BytesIO(answer["projection_bytes"][row])) as picture:
                found = np.asarray(picture, int)
            wanted = self._picture(layer, unit, place)
            if found.shape != wanted.shape or (share := np.mean(abs(found - wanted) > PIXELS)) > SHARE:
                seen = f"{share:.0%} of its pixels differ" if found.shape == wanted.shape else f"its shape is {found.shape}"
                raise _differs(name, f"the projection from {layer} is another one: {seen}")
        return difference

    def _picture(self, layer: str, unit: int, place: tuple[int, ...]) -> np.ndarray:
        """The projection as RGB, made once; the strongest activations are projected before the answers are there."""
        if (key := (layer, unit, place)) not in self.projected:
            found = self.recording.project(layer, [unit], np.array([place]) if place else None)
            self.projected[key] = signed_to_rgb(np.asarray(found))[0]
        return self.projected[key]


def _near(signature: str, numbers: str, found: np.ndarray, expected: np.ndarray | float) -> float:
    """The largest difference; fails if it is beyond the tolerance or no number."""
    if np.shape(found) != np.shape(expected):
        raise _differs(signature, f"{numbers} have the shape {np.shape(found)}, expected {np.shape(expected)}")
    difference = float(np.max(abs(found - expected)))
    if not difference <= TOLERANCE:
        raise _differs(signature, f"{numbers} differ by {difference:.4g} from those of Keras, expected at most {TOLERANCE:g}")
    return difference


def _differs(signature: str, why: str) -> ValueError:
    return ValueError(f"The exported model answers wrongly in its signature {signature}, and is not served: {why}.")
