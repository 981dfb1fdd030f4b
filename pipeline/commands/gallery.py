"""`zfnet gallery`: the strongest activations of a model's units."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from zfnet.pipeline.cli.arguments import find_examples, model_names
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, OpenedModel, figure_options
from zfnet.pipeline.cli.options import DRAWN_LAYERS, check_option, data_option, layers_option, maps_option, named_maps_option, seed_option
from zfnet.pipeline.cli.output import FigureDirectory
from zfnet.pipeline.run_config import RunConfig

if TYPE_CHECKING:
    from zfnet.components.figures.gallery.gallery import GalleryModel


@click.command(cls=Command, short_help="Draw the nine strongest activations of feature maps.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@data_option
@layers_option(DRAWN_LAYERS, "Layer to draw")
@named_maps_option
@maps_option(RunConfig.maps_per_layer, "chosen at random from those that are active on some image of DATA")
@seed_option("the random choice of maps; the same seed gives the same maps")
@check_option
@figure_options("gallery")
def command(job: FigureJob, data: str | None, layers: tuple[str, ...], named: tuple[str, ...], maps: int, seed: int, check: bool) -> None:
    """Draw the nine strongest activations of feature maps of MODEL over DATA: projections beside image patches.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. Writes DIR/gallery_LAYER.png
    for each layer, and DIR/gallery.json with all numbers. In projections grey is 0. Each projection has its own scale; the strongest 0.2 %
    of its values are clipped.

    Several MODELs, such as ZFNet and AlexNet, are drawn side by side on the same images, each at its own image size. Layers are matched by
    their order, or by the names in --layer and --map. Files are named after the layers of the first model.

    With --check, two bars under each projection show how far its activation falls without the pixels that the projection marks (dark), and
    without as many others (grey). All numbers are in DIR/gallery.json.
    """
    with job.directory(data) as directory:
        from zfnet.components.figures.gallery.gallery import draw_compared_gallery, draw_gallery
        from zfnet.components.figures.units import never_positive

        opened = [job.open(place) for place in range(len(job.models))]
        units = _named_units(opened, named)
        rows = _rows(opened, (*layers, *(layer for each in units for layer in each)))
        models = [each._replace(checked=check) for each in _models(opened, units, directory, job, data)]
        if len(models) == 1:
            figure = draw_gallery(models[0], [layer for (layer,) in rows if layer], maps=maps, seed=seed)
            numbers = [figure.numbers]
        else:
            figure = draw_compared_gallery(models, rows, maps=maps, seed=seed)
            numbers = [each["layers"] for each in figure.numbers["models"]]
        directory.save(figure)
        for model, wanted, found in zip(opened, units, numbers, strict=True):
            for name in never_positive(wanted, found):
                click.echo(f"{model.argument}: {name} is never positive; not drawn")
            for layer, each in found.items():
                if len(models) == 1 and not each["maps"] and layer not in wanted:
                    click.echo(f"{layer}: no unit is ever positive; nothing to draw")


def _named_units(opened: Sequence[OpenedModel], named: Sequence[str]) -> list[dict[str, list[int]]]:
    """The named units of each model. A layer in which only other models have a named unit has none."""
    from zfnet.components.figures.units import named_units

    units: list[dict[str, list[int]]] = [{} for _ in opened]
    for name in named:
        errors = {}
        for model, own in zip(opened, units, strict=True):
            try:
                for layer, numbers in named_units(model.deconvnet, [name], model.found.labels).items():
                    own[layer] = sorted({*own.get(layer, ()), *numbers})
            except ValueError as error:
                errors[model.argument] = error
        if len(errors) == len(opened):
            raise next(iter(errors.values()))
        for argument in errors:
            click.echo(f"{argument}: no map {name}")
    layers = {layer for own in units for layer in own}
    return [
        own | {layer: [] for layer in layers - own.keys() if layer in model.deconvnet.layers}
        for model, own in zip(opened, units, strict=True)
    ]


def _rows(opened: Sequence[OpenedModel], names: Sequence[str]) -> Sequence[tuple[str | None, ...]]:
    """The layers that are drawn side by side: by their names, or by their order if none is named."""
    from zfnet.components.figures.gallery.gallery import layers_by_name, layers_by_place

    deconvnets = [model.deconvnet for model in opened]
    if not names:
        rows, more = layers_by_place(deconvnets)
        for model, rest in zip(opened, more, strict=True):
            if rest:
                verb = "has" if len(rest) == 1 else "have"
                click.echo(f"{model.argument}: {', '.join(rest)} {verb} no counterpart; use --layer to draw them")
        return rows
    found = layers_by_name(deconvnets, names)
    for row in found:
        for model, layer in zip(opened, row, strict=True):
            if layer is None:
                click.echo(f"{model.argument}: no layer {next(filter(None, row))!r}")
    return found


def _models(
    opened: Sequence[OpenedModel],
    units: Sequence[dict[str, list[int]]],
    directory: FigureDirectory,
    job: FigureJob,
    data: str | None,
) -> "list[GalleryModel]":
    """The models with the same images, each at its own size."""
    from zfnet.components.evaluation.probabilities import check_same_examples
    from zfnet.components.figures.gallery.example_search import ExampleSearch
    from zfnet.components.figures.gallery.gallery import GalleryModel
    from zfnet.components.figures.images import ImageSet
    from zfnet.components.inputs.image_input import ImageInput
    from zfnet.components.storage.local_copy import local_copy

    if len(opened) == 1:
        opened[0].announce()
        return [GalleryModel(ExampleSearch(opened[0].deconvnet, opened[0].images(directory, data)), "", opened[0].found.labels, units[0])]
    data = data if data is not None or any(each.examples for each in job.found) else "photo_patches"
    source = dataclasses.replace(find_examples(job.found, data, "validation", directory.work), downloads=directory.downloads)
    examples, models = [], []
    for name, model, named in zip(model_names(job.models), opened, units, strict=True):
        any_size = None in model.deconvnet.model.inputs[0].shape[1:]
        size = ImageInput.of(model.deconvnet.model, (job.image_size or source.usual_size) if any_size else None)
        model = dataclasses.replace(model, image_input=size)
        model.announce()
        examples.append(local_copy(source.of_size(model.argument, size.side, model.found.examples)))
        about = {"model": model.argument, "preprocessing": model.preprocessing, "height": size.height, "width": size.width}
        search = ExampleSearch(model.deconvnet, ImageSet.of_examples(model.deconvnet.model, examples[-1]), name)
        models.append(GalleryModel(search, name, model.found.labels, named, about))
    check_same_examples(examples, "validation")
    return models
