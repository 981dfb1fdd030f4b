"""Asks a SavedModel through its signatures, with TensorFlow alone: `python -I ask.py`, in a process of its own.

It imports TensorFlow, which takes seconds, and then waits for one line: the paths SAVED_MODEL and DIRECTORY as a JSON list.

DIRECTORY holds the inputs, `questions/SIGNATURE/INPUT`, each a serialized TensorProto; the outputs are written to
`answers/SIGNATURE/OUTPUT` in the same form, and times and the first error to `asked.json`.
"""

import json
import pathlib
import sys
import time
import traceback

# A model server does not have them; TensorFlow imports Keras if it is there.
ABSENT = ("keras", "tf_keras", "zfnet")


def ask(saved_model: str, directory: pathlib.Path) -> None:
    """Loads the SavedModel and asks every signature twice: the first answer is slower, since TensorFlow prepares the graph for it.

    `asked.json` names the stage before each begins, so that it is known if the process ends.
    """
    import tensorflow as tf
    from tensorflow.core.framework.tensor_pb2 import TensorProto

    report: dict = {"stage": "load", "seconds": {}, "tensorflow": tf.__version__}

    def enter(stage: str) -> float:
        report["stage"] = stage
        (directory / "asked.json").write_text(json.dumps(report))
        return time.monotonic()

    try:
        start = enter("load")
        signatures = tf.saved_model.load(saved_model).signatures
        report["load_seconds"] = time.monotonic() - start
        report["signatures"] = sorted(signatures)
        for name in sorted(path.name for path in (directory / "questions").iterdir()):
            enter(name)
            files = (directory / "questions" / name).iterdir()
            inputs = {file.name: tf.constant(tf.make_ndarray(TensorProto.FromString(file.read_bytes()))) for file in files}
            seconds = []
            for _ in range(2):
                start = time.monotonic()
                outputs = {key: value.numpy() for key, value in signatures[name](**inputs).items()}
                seconds.append(time.monotonic() - start)
            (directory / "answers" / name).mkdir(parents=True)
            for key, value in outputs.items():
                (directory / "answers" / name / key).write_bytes(tf.make_tensor_proto(value).SerializeToString())
            report["seconds"][name] = seconds
        enter("done")
    except Exception as error:
        report["error"] = "".join(traceback.format_exception_only(error)).strip()
        enter(report["stage"])


if __name__ == "__main__":
    # Python takes a module that is None for one that is missing.
    sys.modules.update(dict.fromkeys(ABSENT))  # type: ignore[arg-type]
    import tensorflow  # noqa: F401

    # Nothing comes if the export fails.
    if line := sys.stdin.readline():
        model, questions = json.loads(line)
        ask(model, pathlib.Path(questions))
