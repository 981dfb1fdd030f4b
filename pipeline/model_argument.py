"""What the argument MODEL of a command names: a model file, and what is known about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etils import epath

from zfnet.components.artifacts import Examples

if TYPE_CHECKING:
    from zfnet.model.deconvnet.deconvnet import Deconvnet


@dataclass(frozen=True)
class ModelArgument:
    """A model file that was found.

    Args:
        file: the `.keras` file.
        labels: names of its classes, which `zfnet run` writes beside it; empty if they are not known.
        examples: what the model was trained on, if it was named by the directory of its run.
    """

    file: epath.Path
    labels: list[str]
    examples: Examples | None

    def open_deconvnet(self, preprocessing: str, unsupported: str) -> Deconvnet:
        """Loads the model and attaches a deconvnet.

        Args:
            preprocessing: what the model was trained to see, a name out of `PREPROCESSINGS`.
            unsupported: what becomes of layers that a deconvnet is not defined for: `"error"` or `"gradient"`.

        Returns:
            The deconvnet, of a model that takes RGB 0..255.

        Raises:
            ValueError: the file can't be opened, takes no RGB images, or has a layer that a deconvnet is not defined for.
        """
        from zfnet.components.evaluation.saved_model_file import load_model_file
        from zfnet.components.pictures.preprocessing import with_preprocessing
        from zfnet.model.deconvnet.deconvnet import Deconvnet

        model = with_preprocessing(load_model_file(self.file), preprocessing)
        try:
            return Deconvnet(model, unsupported)
        except ValueError as error:
            # The library names its own argument; here there is an option.
            raise ValueError(str(error).replace('Deconvnet(model, unsupported="gradient")', "--unsupported gradient")) from error


def find_model(argument: str) -> ModelArgument:
    """Finds what MODEL names, without opening the model.

    Args:
        argument: a `.keras` file, or a directory that `zfnet run` wrote.

    Returns:
        What was found. That the file is there is not checked yet.

    Raises:
        ValueError: it is a directory in which no run ended with a model.
    """
    path, examples = epath.Path(argument).expanduser(), None
    if path.is_dir():
        paths = _artifacts(path)
        if not paths.get("model"):
            raise ValueError(f"The run in {path} has no model: it ended before one was trained. `zfnet run --root {path}` goes on.")
        examples = Examples(path / paths["examples"]) if paths.get("examples") else None
        path = path / paths["model"]
    labels = path.parent / "labels.txt"
    return ModelArgument(path, labels.read_text().splitlines() if labels.exists() else [], examples)


def _artifacts(root: epath.Path) -> dict[str, Any]:
    file = root / "run.json"
    if not file.exists():
        raise ValueError(f"There is no run.json in {root}; expected a directory that `zfnet run` wrote, or a .keras file.")
    try:
        return dict(json.loads(file.read_text())["artifacts"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{file} is not what `zfnet run` writes; expected a directory that it wrote, or a .keras file.") from error
