"""Options, opened models and the output directory of all commands that draw figures."""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from zfnet.pipeline.cli.arguments import ModelArgument, find_examples, find_model, model_names
from zfnet.pipeline.cli.options import custom_objects_option, image_size_option, out_option, preprocessing_option, unsupported_option
from zfnet.pipeline.cli.output import FigureDirectory, figure_directory

if TYPE_CHECKING:
    from zfnet.components.figures.gallery.gallery import GalleryModel
    from zfnet.components.figures.images import ImageSet
    from zfnet.components.inputs.image_input import ImageInput
    from zfnet.model.deconvnet.deconvnet import Deconvnet


@dataclasses.dataclass(frozen=True)
class OpenedModel:
    """A model that was loaded: MODEL as the user wrote it (`argument`), its file and run (`found`), and the layout of its images.

    `deconvnet` is that of the model behind `preprocessing`, which is given by its name: it takes RGB 0..255.
    """

    argument: str
    found: ModelArgument
    deconvnet: "Deconvnet"
    image_input: "ImageInput"
    preprocessing: str

    def announce(self) -> None:
        """Prints the preprocessing and the size of the images."""
        height, width = self.image_input[:2]
        click.echo(f"{self.argument}: preprocessing {self.preprocessing}, images of {height} x {width} pixels")

    def classes(self) -> tuple[list[str], int]:
        """Names of the model's classes, empty if they are not known; and their number, 0 for a model without classes."""
        from zfnet.model.measures.class_probabilities import class_count

        outputs = class_count(self.deconvnet)
        return self.found.labels if len(self.found.labels) == outputs else [], outputs

    def images(self, directory: FigureDirectory, data: str | None) -> "ImageSet":
        """The validation examples of DATA, or of the model's run, or of photo_patches."""
        from zfnet.components.figures.images import ImageSet

        return ImageSet.of_examples(self.deconvnet.model, directory.examples(self.found, data, self.image_input.side))


@dataclasses.dataclass(frozen=True)
class FigureJob:
    """The name of a command that draws figures, and its options.

    `models` are the MODEL arguments, and `out` is the directory to write. `preprocessing` is as in `ModelArgument.open_model`.
    `image_size` is the side of the images for a model that accepts any size, None for its own. `custom_objects` are layers and functions
    that the models need, `module:Class` each. `unsupported` is as in `Deconvnet`, for layers that a deconvnet is not defined for.
    """

    command: str
    models: tuple[str, ...]
    out: pathlib.Path
    preprocessing: str | None
    image_size: int | None
    unsupported: str
    custom_objects: tuple[str, ...] = ()

    @functools.cached_property
    def found(self) -> list[ModelArgument]:
        """The models' files. A missing file is an error before any model is opened."""
        return [find_model(model, self.custom_objects) for model in self.models]

    @contextlib.contextmanager
    def directory(self, data: str | None) -> Iterator[FigureDirectory]:
        """Opens a directory to draw into, see `figure_directory`, and prints the names of its files at the end."""
        _ = self.found  # A missing model is an error before the directory is opened.
        with figure_directory(self.command, self.out, data) as directory:
            yield directory
        for name in directory.written:
            click.echo(self.out / name)

    def open(self, place: int = 0) -> OpenedModel:
        """Loads one of the models, by its place."""
        from zfnet.components.inputs.image_input import ImageInput

        deconvnet, used = self.found[place].open_deconvnet(self.preprocessing, self.unsupported)
        size = ImageInput.of(deconvnet.model, self.image_size)
        return OpenedModel(self.models[place], self.found[place], deconvnet, size, used)

    def on_same_images(self, opened: Sequence[OpenedModel], directory: FigureDirectory, data: str | None) -> "list[GalleryModel]":
        """Galleries of opened models over the same images, each at its own size; prints preprocessing and size of each."""
        from zfnet.components.evaluation.probabilities import check_same_examples
        from zfnet.components.figures.gallery.example_search import ExampleSearch
        from zfnet.components.figures.gallery.gallery import GalleryModel
        from zfnet.components.figures.images import ImageSet
        from zfnet.components.inputs.image_input import ImageInput
        from zfnet.components.storage.local_copy import local_copy

        if len(opened) == 1:
            opened[0].announce()
            return [GalleryModel(ExampleSearch(opened[0].deconvnet, opened[0].images(directory, data)), "", opened[0].found.labels)]
        data = data if data is not None or any(each.examples for each in self.found) else "photo_patches"
        source = dataclasses.replace(find_examples(self.found, data, "validation", directory.work), downloads=directory.downloads)
        examples, models = [], []
        for name, model in zip(model_names(self.models), opened, strict=True):
            any_size = None in model.deconvnet.model.inputs[0].shape[1:]
            size = ImageInput.of(model.deconvnet.model, (self.image_size or source.usual_size) if any_size else None)
            model = dataclasses.replace(model, image_input=size)
            model.announce()
            examples.append(local_copy(source.of_size(model.argument, size.side, model.found.examples)))
            about = {"model": model.argument, "preprocessing": model.preprocessing, "height": size.height, "width": size.width}
            search = ExampleSearch(model.deconvnet, ImageSet.of_examples(model.deconvnet.model, examples[-1]), name)
            models.append(GalleryModel(search, name, model.found.labels, about=about))
        check_same_examples(examples, "validation")
        return models


def figure_options(command: str, *, unsupported: bool = True, output: Callable = out_option) -> Callable[[Callable], Callable]:
    """Adds the options of a figure's command. The command is called with a `FigureJob` instead of them and of MODEL.

    `command` is its name, and `output` its option `--out`. Without `unsupported` it has no `--unsupported`, and such layers are passed by
    their gradient.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def call(
            *,
            out: pathlib.Path,
            preprocessing: str | None,
            image_size: int | None,
            custom_objects: tuple[str, ...],
            unsupported: str = "gradient",
            **rest: Any,
        ) -> None:
            models = rest.pop("models", None) or (rest.pop("model"),)
            function(FigureJob(command, models, out, preprocessing, image_size, unsupported, custom_objects), **rest)

        options = [
            output,
            preprocessing_option,
            image_size_option,
            custom_objects_option,
            *([unsupported_option] if unsupported else []),
        ]
        for option in reversed(options):
            call = option(call)
        return call

    return decorate
