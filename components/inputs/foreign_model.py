"""Says what a file or directory is that others take for a model, and how to make a model file of it."""

from etils import epath

# Endings of files that hold a model of another library, or a part of one.
FOREIGN = {
    ".tflite": "a model of TensorFlow Lite",
    ".onnx": "an ONNX model",
    ".pt": "a model of PyTorch",
    ".pth": "a model of PyTorch",
    ".safetensors": "weights without a model",
    ".ckpt": "weights without a model",
    ".index": "weights without a model",
    ".pb": "a graph of TensorFlow",
    ".pkl": "a pickle, which may run any code",
    ".json": "the layers of a model without weights",
}
EXPECTED = "expected a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16"
AGAIN = "Where the model was made, save it with model.save('model.keras')."


def foreign_model(path: epath.PathLike) -> str:
    """Describes what is at `path` instead of a model file, in one or two sentences, and how to convert it."""
    path = epath.Path(path)
    if (path / "saved_model.pb").exists():
        convert = AGAIN
        if (path / "keras_metadata.pb").exists():
            convert = (
                f"Keras 2 wrote it, and can convert it: pip install tf_keras, then "
                f"tf_keras.models.load_model({str(path)!r}).save('model.h5'). The file model.h5 is a MODEL."
            )
        return f"{path} is a SavedModel, whose layers can't be looked into: it holds graphs alone. {convert}"
    if path.is_dir() and (path / "config.json").exists() and (path / "model.weights.h5").exists():
        return f"{path} is an unpacked .keras file. Pack it again: cd {path} && zip -0 ../model.keras *"
    if path.is_dir():
        return f"There is no run.json in {path}; {EXPECTED}."
    if kind := FOREIGN.get(path.suffix.lower()):
        return f"{path} is {kind}; {EXPECTED}. {AGAIN}"
    return f"{path} is not a Keras model file; expected a file that model.save('....keras') wrote, or HDF5 (.h5)."
