"""The arguments MODEL and DATA: model files and runs that are found, and examples at the size that a model needs."""

import collections
import pathlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from etils import epath

from zfnet.components.artifacts import Examples, Statistics
from zfnet.components.data.sources.shard_plan import SPLITS
from zfnet.components.inputs.foreign_model import EXPECTED, foreign_model
from zfnet.components.inputs.named_models import NamedNet, named_net
from zfnet.pipeline.cli.custom_objects import import_custom_objects
from zfnet.pipeline.run_pipeline import read_summary

if TYPE_CHECKING:
    import keras

    from zfnet.model.deconvnet.deconvnet import Deconvnet


@dataclass(frozen=True)
class ModelArgument:
    """A model file that was found, with the names of its classes, which `zfnet run` writes beside it; empty if they are not known.

    `root` is the directory of its run, `examples` are those that the model was trained on, and `statistics` holds their mean image and
    counts; None for a model file without a run. `custom_objects` are layers and functions that it needs, `module:Class` each. `net` is a
    net that is given by its name instead of a file.
    """

    file: epath.Path
    labels: list[str]
    examples: Examples | None
    statistics: Statistics | None = None
    root: epath.Path | None = None
    custom_objects: tuple[str, ...] = ()
    net: NamedNet | None = None

    def open_model(self, preprocessing: str | None) -> "tuple[keras.Model, str]":
        """Loads the model behind the preprocessing that it was trained with: it takes RGB 0..255. Also returns the preprocessing's name.

        `preprocessing` is a name out of `PREPROCESSINGS`; None is "raw". A model that centres RGB values itself, as those of `zfnet run`
        do, is left as it is: then the returned name is "raw". A named net always uses its own preprocessing.

        Raises:
            ValueError: the file can't be opened, or takes no RGB images; or weights of a named net can't be downloaded.
        """
        if self.net:
            used = self.net.preprocessing
            if preprocessing not in (None, used):
                click.echo(f"{self.net.argument}: --preprocessing {preprocessing} is not used; the net has its own, {used}", err=True)
            return self.net.open(), used
        from zfnet.components.inputs.model_file import load_model_file
        from zfnet.components.inputs.preprocessing import with_preprocessing
        from zfnet.model.net.layers import MeanImage

        model = load_model_file(self.file, import_custom_objects(self.custom_objects))
        used = "raw" if any(isinstance(layer, MeanImage) for layer in model.layers) else preprocessing or "raw"
        return with_preprocessing(model, used), used

    def labels_like(self, wanted: list[str]) -> list[str]:
        """Names of the model's classes; for a named net ImageNet's numbers, such as n01440764, if the classes `wanted` are called so."""
        numbers = [number for number, _ in self.net.classes()] if self.net and self.labels else []
        return numbers if numbers and set(wanted) <= set(numbers) else self.labels

    def open_deconvnet(self, preprocessing: str | None, unsupported: str) -> "tuple[Deconvnet, str]":
        """Loads the model as `open_model` does, and attaches a deconvnet. Also returns the name of the preprocessing that was used.

        `unsupported` is as in `Deconvnet`, for layers that a deconvnet is not defined for.

        Raises:
            ValueError: as in `open_model`, or the model has a layer that a deconvnet is not defined for.
        """
        from zfnet.model.deconvnet.deconvnet import Deconvnet

        model, used = self.open_model(preprocessing)
        try:
            return Deconvnet(model, unsupported), used
        except ValueError as error:
            # The library names its own argument; here there is an option.
            raise ValueError(re.sub(r'Deconvnet\(model, unsupported="(\w+)"\)', r"--unsupported \1", str(error))) from error


def find_model(argument: str, custom_objects: tuple[str, ...] = ()) -> ModelArgument:
    """Finds MODEL without opening it: a net by name, a `.keras` or HDF5 file, a directory that holds model.keras, or one of `zfnet run`.

    Raises:
        ValueError: there is none, or it is a directory in which no run ended with a model.
    """
    if net := named_net(argument):
        return ModelArgument(epath.Path(argument), net.labels(), None, net=net)
    path, examples, statistics, root = epath.Path(argument).expanduser(), None, None, None
    if (path / "model.keras").exists():
        path = path / "model.keras"
    elif path.is_dir():
        paths = _artifacts(path)
        if not paths.get("model"):
            raise ValueError(
                f"The run in {path} has no model: it ended before the training did. Continue it with `zfnet run --root {path}`."
            )
        examples = Examples(path / paths["examples"]) if paths.get("examples") else None
        statistics = Statistics(path / paths["statistics"]) if paths.get("statistics") else None
        root, path = path, path / paths["model"]
    elif not path.exists():
        raise ValueError(f"There is no model file {path}; {EXPECTED}.")
    labels = path.parent / "labels.txt"
    return ModelArgument(path, labels.read_text().splitlines() if labels.exists() else [], examples, statistics, root, custom_objects)


def _artifacts(root: epath.Path) -> dict[str, Any]:
    if not (root / "run.json").exists():
        raise ValueError(foreign_model(root))
    return read_summary(root, "artifacts")["artifacts"]


def model_names(arguments: Sequence[str]) -> list[str]:
    """Names models by the last part of the MODEL argument, without `.keras` or `.h5`.

    The name is the whole argument if several would have the same name, with its place if the argument occurs twice.

    Examples:
        >>> model_names(["runs/alexnet", "runs/zfnet", "best.keras"])
        ['alexnet', 'zfnet', 'best']
    """
    names = [_short(argument) for argument in arguments]
    counts, whole = collections.Counter(names), collections.Counter(arguments)
    return [
        name if counts[name] == 1 else argument if whole[argument] == 1 else f"{argument} ({place})"
        for place, (name, argument) in enumerate(zip(names, arguments, strict=True), start=1)
    ]


def _short(argument: str) -> str:
    path = pathlib.PurePath(argument)
    if path.name in ("", ".."):
        path = pathlib.Path(argument).resolve()
    return path.stem if path.suffix in (".keras", ".h5", ".hdf5") else path.name


@dataclass(frozen=True)
class ExamplesToEvaluate:
    """Source of the examples of `split`: prepared ones, or photographs that are prepared when they are needed.

    `prepared` is empty if photographs are prepared for each size, below the directory `work`; TFDS prepares data sets in `downloads`.
    `data` is the DATA argument, or None for the examples of runs.
    """

    prepared: Sequence[Examples]
    data: str | None
    split: str
    work: pathlib.Path
    downloads: pathlib.Path

    @property
    def usual_size(self) -> int | None:
        """Image size, in pixels, for a model that accepts any; None if it is unknown."""
        return self.prepared[0].image_size if self.prepared else None

    def of_size(self, model: str, image_size: int, own: Examples | None = None) -> Examples:
        """Returns the examples for images of `image_size` pixels a side, prepared if necessary.

        `model` is the MODEL argument, for messages. `own` are the examples of the model's run, preferred to those of other runs.

        Raises:
            ValueError: they were prepared for another size.
        """
        if self.data is not None and not self.prepared:
            directory = self.work / str(image_size)
            if directory.exists():  # for a model before this one
                return Examples(directory)
            return prepare_photographs(self.data, directory, self.downloads, image_size, self.split, err=True)
        candidates = [own, *self.prepared] if own and self.data is None else self.prepared
        for examples in candidates:
            if examples.image_size == image_size:
                return examples
        sizes = " and ".join(sorted({str(examples.image_size) for examples in self.prepared}))
        raise ValueError(
            f"{model} expects images of {image_size} pixels, but {self.data or 'the data of the runs'} was prepared for {sizes}: "
            "give the original photographs with --data."
        )


def find_examples(models: Sequence[ModelArgument], data: str | None, split: str, work: pathlib.Path) -> ExamplesToEvaluate:
    """Finds the examples to evaluate models on; nothing is prepared yet.

    `data`, `split` and `work` are as in `ExamplesToEvaluate`; `work` is empty, and may be removed afterwards.

    Raises:
        click.UsageError: there is no DATA and no run, or photographs have no such split.
    """
    roots = [pathlib.Path(model.root) for model in models if model.root]
    downloads = roots[0] / "tfds" if roots else work / "tfds"
    if data is None:
        prepared = [model.examples for model in models if model.examples]
        if not prepared:
            raise click.UsageError("The model does not name data to evaluate it on: give --data, or the directory of a run.")
    else:
        directory = epath.Path(data).expanduser()
        prepared = [Examples(directory)] if data and (directory / "manifest.json").exists() else []
        if prepared:
            from zfnet.components.data.sources.prepared import PreparedSource

            PreparedSource(data)  # raises for other manifests
    if not prepared and split not in SPLITS:
        raise click.UsageError(f"--split {split}: photographs have the splits {' and '.join(SPLITS)}.")
    return ExamplesToEvaluate(prepared, data, split, work, downloads)


def prepare_photographs(
    data: str, directory: pathlib.Path, downloads: pathlib.Path, image_size: int, *splits: str, err: bool = False
) -> Examples:
    """Prepares splits of DATA without unreadable photographs, however many there are; see `open_source` and `generate_examples`.

    The old contents of `directory` are removed. TFDS prepares data sets in `downloads`. `image_size` is the side of the network's input, in
    pixels. With `err`, messages go to the standard error rather than the standard output.
    """
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples

    examples = Examples(directory)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    click.echo(f"{data}: preparing photographs", err=err)
    generate_examples(
        examples,
        source=open_source(data, downloads),
        image_size=image_size,
        num_shards=None,
        max_rejected=1,
        runner="FnApiRunner",
        beam_options=(),
        splits=splits,
    )
    if rejected := examples.read_json("manifest.json")["rejected"]:
        click.echo(f"{data}: skipped {rejected} unreadable photograph{'s' if rejected > 1 else ''}", err=err)
    return examples
