"""Artifacts, the typed directories that steps exchange, and the annotations that declare a step.

A step is an annotated function; its signature is the whole declaration:

    def generate_statistics(examples: Input[Examples], statistics: Output[Statistics], *, runner: Setting[str]) -> None:

`Input` and `Output` name artifacts. Every other argument is a parameter: the step is redone when it changes, unless it is marked
`Setting`, which is for parameters that cannot change the result (where to log, how many workers to use).
"""

import hashlib
import json
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from etils import epath

from zfnet.components.storage.files import RemoteDirectory, is_remote, local_files

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

Input = Annotated[T, "input"]
Output = Annotated[T, "output"]
Setting = Annotated[T, "setting"]


class Artifact:
    """A directory with a type: an output of one execution of a step, complete and never changed afterwards.

    It is local or on any file system that `epath` knows.
    """

    PROPERTIES: ClassVar[str | None] = None  # name of a JSON file that summarizes it

    def __init__(self, path: epath.PathLike) -> None:
        self.path = epath.Path(path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def files(self) -> Iterator[epath.Path]:
        """Yields every file below the directory, in the order of their names."""
        waiting = [self.path]
        while waiting:
            entry = waiting.pop()
            if entry.is_dir():
                waiting.extend(sorted(entry.iterdir(), reverse=True))
            else:
                yield entry

    def sizes(self) -> dict[str, int]:
        """Bytes of every file, by its path below the directory; empty if there is no such directory."""
        if is_remote(self.path):
            return {name: file.size for name, file in RemoteDirectory(self.path).files().items()}
        # Not by epath, which asks for the name of each file's owner too, and fails if the owner has none.
        directory = pathlib.Path(self.path)
        return {name: (directory / name).stat().st_size for name in local_files(directory)}

    def digest(self) -> str:
        """Hex SHA-256 over the names and contents of all files: equal for equal artifacts, wherever they lie."""
        total = hashlib.sha256()
        for file in self.files():
            content = hashlib.sha256()
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    content.update(block)
            total.update(f"{file.relative_to(self.path)}\0{content.hexdigest()}\n".encode())
        return total.hexdigest()

    def properties(self) -> dict[str, Any]:
        """Scalar entries of the JSON file that `PROPERTIES` names, recorded as metadata."""
        if self.PROPERTIES is None or not (self.path / self.PROPERTIES).exists():
            return {}
        return {name: value for name, value in self.read_json(self.PROPERTIES).items() if not isinstance(value, list | dict)}

    def read_json(self, name: str) -> Any:
        """The parsed content of the JSON file `name` in the directory."""
        return json.loads((self.path / name).read_text())


class Examples(Artifact):
    """TFRecord shards in TFDS's layout, with `manifest.json` written last.

    Every record holds `image` (JPEG, side x side, RGB), `label` (int64), `class_name` (text: the name of its class, ImageNet's synset),
    `id` (text), `photograph` (text: the photograph that the image was cut from) and `box` (4 int64: top, left, bottom, right, in pixels of
    that photograph).
    """

    def digest(self) -> str:
        """Hex SHA-256 of the manifest, which holds the SHA-256 of every shard, so that no shard has to be read."""
        return hashlib.sha256((self.path / "manifest.json").read_bytes()).hexdigest()

    @property
    def labels(self) -> list[str]:
        """Class names; the place of a name is its label."""
        return self.read_json("manifest.json")["labels"]

    @property
    def side(self) -> int:
        """Side of every stored image, in pixels."""
        return self.read_json("manifest.json")["side"]

    @property
    def image_size(self) -> int:
        """Side of the network's input for which these images were stored, in pixels."""
        return self.read_json("manifest.json")["image_size"]

    def count(self, split: str) -> int:
        """Number of examples in `split`."""
        return self.read_json("manifest.json")["splits"][split]["examples"]

    def shard_counts(self, split: str) -> list[int]:
        """Number of examples in each shard of a split."""
        return [shard["examples"] for shard in self.read_json("manifest.json")["splits"][split]["shards"]]

    def shards(self, split: str) -> list[str]:
        """Paths of the TFRecord files of `split`, in order."""
        return [str(self.path / shard["file"]) for shard in self.read_json("manifest.json")["splits"][split]["shards"]]


class Statistics(Artifact):
    """`mean.npy` (float32, side x side x 3, 0..255: the mean image of the training split) and `statistics.json`."""

    def mean_image(self) -> "np.ndarray":
        """The mean image of the training split: float32 `(side, side, 3)`, values 0..255."""
        import numpy as np

        with (self.path / "mean.npy").open("rb") as file:
            return np.load(file, allow_pickle=False)


class Anomalies(Artifact):
    """`anomalies.json`: anomalies of the examples, a list of `{"kind", "message", ...}`."""

    @property
    def near_copies(self) -> epath.Path:
        """Picture of the near copies across the splits, side by side; the file is missing if there are none."""
        return self.path / "near_copies.png"


class Model(Artifact):
    """`model.keras` (RGB 0..255 in, probabilities out), `labels.txt`, and `*.json` and figures of its training.

    `start.keras` is the net before the first step of a training that started from another network.
    """

    def properties(self) -> dict[str, Any]:
        """The layers that a fine-tuning took from its start, and the new ones; the rest of the recipe are parameters of the Trainer."""
        recipe = self.read_json("recipe.json") if (self.path / "recipe.json").exists() else {}
        return {name: recipe[name] for name in ("start_layers", "new_layers") if name in recipe}


class Evaluation(Artifact):
    """`evaluation.json`: errors as fractions, where the model errs, and whether it is blessed, or why not; and the confusion matrix.

    The matrix counts validation examples: int64 `(classes, classes)`, rows are true classes, columns are predicted classes. It is in
    `confusion.npy`, or for more than 1,000 classes, as a sparse matrix of scipy, in `confusion.npz`.
    """

    PROPERTIES = "evaluation.json"


class TrainingError(Artifact):
    """`training_error.json`: errors over the training examples as fractions, and their number."""

    PROPERTIES = "training_error.json"


class Figures(Artifact):
    """Figures as PNG files, and their numbers as JSON."""


class Serving(Artifact):
    """`version.json`: `version`, the directory that the model was pushed to, null if it was not pushed; `pushed_anyway`, the reason to
    push a model that was not blessed; and `checked`, the results of the check before serving."""

    PROPERTIES = "version.json"
