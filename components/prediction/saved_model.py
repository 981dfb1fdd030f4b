"""Opens a SavedModel that `zfnet run` served, after a look at what its graph would do."""

import re
from collections.abc import Iterable, Iterator

import tensorflow as tf
from etils import epath
from google.protobuf import message
from tensorflow.core.framework import function_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from zfnet.components.artifacts import Artifact
from zfnet.components.storage.local_copy import local_copy

GRAPH, LABELS, SIGNATURE = "saved_model.pb", "assets/labels.txt", "probabilities"
LARGEST_GRAPH, LARGEST_LABELS = 64 << 20, 4 << 20  # bytes
# Operations with a state, and on data sets, that the signatures of `zfnet run` use. None of them writes a file or reaches a network.
USED = [
    "Assert",
    "ConcatenateDataset",
    "DatasetToSingleElement",
    "HashTableV2",
    "If",
    "IgnoreErrorsDataset",
    "InitializeTableFromTextFileV2",
    "LookupTableFindV2",
    "LookupTableImportV2",
    "MapDataset",
    "ReadVariableOp",
    "StatefulPartitionedCall",
    "TakeDataset",
    "TensorDataset",
    "While",
]
OUTSIDE = re.compile("File|Dataset|ImmutableConst|Debug|Py|Print|Summary")  # names of operations that read files, or may


def served_directory(argument: str) -> epath.Path | None:
    """The SavedModel that MODEL names: a version such as `serving/1`, or the last one in `serving`; None for anything else."""
    path = epath.Path(argument).expanduser()
    if (path / GRAPH).exists():
        return path
    if not path.is_dir() or (path / "run.json").exists():
        return None
    versions = {int(each.name): each for each in path.iterdir() if each.name.isdecimal() and (each / GRAPH).exists()}
    return versions[max(versions)] if versions else None


class ServedModel:
    """A SavedModel of `zfnet run`, called by its signature `probabilities`.

    A graph is a program. Before TensorFlow loads it, all functions that it could run are checked: an operation that is unknown, has a
    state that predictions do not need, or could read or write files is refused. What remains computes numbers from images.

    Args:
        directory: it holds `saved_model.pb`; local or remote.

    Attributes:
        labels: names of the classes.
        size: side of the images, in pixels.

    Raises:
        ValueError: it is no such SavedModel, is damaged, or its graph has an operation that is refused.
    """

    def __init__(self, directory: epath.PathLike) -> None:
        path = local_copy(Artifact(directory)).path
        for name, largest in ((GRAPH, LARGEST_GRAPH), (LABELS, LARGEST_LABELS)):
            if not (path / name).exists():
                raise ValueError(f"There is no {name} in {directory}; expected a version that `zfnet run` served, such as serving/1.")
            if (size := (path / name).stat().length) > largest:
                raise ValueError(f"{path / name} has {size} bytes; larger than {largest} is not opened.")
        check_operations(directory, (path / GRAPH).read_bytes())
        try:
            self.labels = (path / LABELS).read_text().splitlines()
            self._loaded = tf.saved_model.load(str(path))
        except Exception as error:  # TensorFlow raises errors of any kind for a damaged directory
            raise ValueError(f"{directory} can't be loaded: {(str(error).splitlines() or [type(error).__name__])[0]}") from error
        signature = self._loaded.signatures.get(SIGNATURE)
        taken = list(signature.structured_input_signature[1].values()) if signature else []
        shape = taken[0].shape.as_list() if len(taken) == 1 and taken[0].shape.rank == 4 else []
        if not shape or shape[1] is None or shape[1:] != [shape[1], shape[1], 3] or SIGNATURE not in signature.structured_outputs:
            found = ", ".join(self._loaded.signatures) or "none"
            raise ValueError(f"{directory} has the signatures {found}; expected {SIGNATURE}, as `zfnet run` serves it.")
        self.size = shape[1]
        if signature.structured_outputs[SIGNATURE].shape[-1] != len(self.labels):
            outputs = signature.structured_outputs[SIGNATURE].shape[-1]
            raise ValueError(f"{directory} has {outputs} outputs, and its labels.txt names {len(self.labels)} classes; expected the same.")
        self._call, self._argument = signature, taken[0].name

    def of(self, images: tf.Tensor) -> tf.Tensor:
        """Float64 probabilities `(n, classes)` of float images `(n, size, size, 3)`, RGB 0..255."""
        return tf.cast(self._call(**{self._argument: images})[SIGNATURE], tf.float64)


def check_operations(name: epath.PathLike, graph: bytes) -> None:
    """Checks all operations that loading and calling a SavedModel could run.

    `graph` is the content of `saved_model.pb`, and `name` is its directory, for messages.

    Raises:
        ValueError: it can't be read, or has an operation that is refused; the message names it.
    """
    try:
        metas = saved_model_pb2.SavedModel.FromString(graph).meta_graphs
    except message.DecodeError as error:
        raise ValueError(f"{name} can't be loaded: {GRAPH} is damaged.") from error
    if len(metas) != 1 or not metas[0].object_graph_def.concrete_functions:
        raise ValueError(f"{name} is no SavedModel of TensorFlow 2; expected a version that `zfnet run` served, such as serving/1.")
    library = {function.signature.name: function for function in metas[0].graph_def.library.function}
    for operation in sorted({node.op for function in _reached(library, metas[0].object_graph_def.concrete_functions) for node in function}):
        known = op_def_registry.get(operation)
        pure = known is not None and not known.is_stateful and not OUTSIDE.search(operation)
        if not (pure or operation in USED or operation in library):
            raise ValueError(
                f"{name} has the operation {operation}, which predictions do not need and which could act outside of the model: it is not "
                "loaded. Use the .keras file of the run instead."
            )


def _reached(library: dict[str, function_pb2.FunctionDef], roots: Iterable[str]) -> Iterator[list]:
    """Yields the nodes of each function that the functions `roots` call, directly or not."""
    waiting, seen = list(roots), set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in library:
            continue
        seen.add(name)
        nodes = list(library[name].node_def)
        yield nodes
        waiting += [node.op for node in nodes if node.op in library]
        for value in (value for node in nodes for value in node.attr.values()):
            waiting += [value.func.name, *(function.name for function in value.list.func)]
