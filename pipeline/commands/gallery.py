"""`zfnet gallery`: the strongest activations of a model's units."""

from collections.abc import Sequence

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, OpenedModel, figure_options
from zfnet.pipeline.cli.options import DRAWN_LAYERS, check_option, data_option, layers_option, maps_option, named_maps_option, seed_option
from zfnet.pipeline.run_config import RunConfig


@click.command(cls=Command, short_help="Draw the nine strongest activations of feature maps.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@data_option
@layers_option(DRAWN_LAYERS, "Layer to draw")
@named_maps_option
@maps_option(RunConfig.maps_per_layer, "chosen at random from those that are active on some image of DATA")
@seed_option("the random choice of maps; the same seed gives the same maps")
@click.option(
    "--within",
    metavar="CLASS",
    help="Draw the strongest activations over the images of this class of DATA alone. Without --map, the maps that answer to it most are "
    "drawn, by AUC.",
)
@click.option(
    "--by",
    type=click.Choice(["activation", "matters"]),
    default="activation",
    show_default=True,
    help="Examples to draw: those with the strongest activation; or beside these, those in which a map matters most for the class that is "
    "predicted: the sum of its activations times the gradient of the logit of this class.",
)
@check_option
@figure_options("gallery")
def command(
    job: FigureJob,
    data: str | None,
    layers: tuple[str, ...],
    named: tuple[str, ...],
    maps: int,
    seed: int,
    within: str | None,
    by: str,
    check: bool,
) -> None:
    """Draw the nine strongest activations of feature maps of MODEL over DATA: projections beside image patches.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. Writes DIR/gallery_LAYER.png
    for each layer, and DIR/gallery.json with all numbers. In projections grey is 0. Each projection has its own scale; the strongest 0.2 %
    of its values are clipped.

    Headings name up to three classes of DATA that a map answers to, with an area under the ROC curve (AUC) of at least 0.8: how often its
    strongest activation in an image of the class is higher than in another image. 0.5 is chance, 1 is perfect. DIR/gallery.json has the
    three best classes of every map, and the share of its strongest images that are of each.

    Several MODELs, such as ZFNet and AlexNet, are drawn side by side on the same images, each at its own image size. Layers are matched by
    their order, or by the names in --layer and --map. Files are named after the layers of the first model.

    With --check, two bars under each projection show how far its activation falls without the tenth of pixels that the projection marks
    (dark), and without as many others (grey); a full bar is a fall to 0. The first is red if it is less than a tenth of the activation
    longer: other pixels matter nearly as much, so do not believe the marks. All numbers are in DIR/gallery.json.
    """
    with job.directory(data) as directory:
        from zfnet.components.figures.gallery.compared import draw_compared_gallery
        from zfnet.components.figures.gallery.gallery import draw_gallery
        from zfnet.components.figures.units import never_positive

        opened = [job.open(place) for place in range(len(job.models))]
        units = _named_units(opened, named)
        rows = _rows(opened, (*layers, *(layer for each in units for layer in each)))
        galleries = zip(job.on_same_images(opened, directory, data), units, strict=True)
        models = [model._replace(named=own, checked=check) for model, own in galleries]
        if len(models) == 1:
            chosen = [layer for (layer,) in rows if layer]
            figure = draw_gallery(models[0], chosen, maps=maps, seed=seed, within=within, matters=by == "matters")
            numbers = [figure.numbers]
        else:
            figure = draw_compared_gallery(models, rows, maps=maps, seed=seed, within=within, matters=by == "matters")
            numbers = [each["layers"] for each in figure.numbers["models"]]
        directory.save(figure)
        for model, wanted, found in zip(opened, units, numbers, strict=True):
            for name in never_positive(wanted, found):
                click.echo(f"{model.argument}: {name} is never positive; not drawn")
            for layer, unit in ((layer, unit) for layer, units in wanted.items() for unit in units):
                if str(unit) not in found[layer]["maps"] and unit not in found[layer]["dead_maps"]:
                    click.echo(f"{model.argument}: {layer}/{unit} is never positive in images of {within}; not drawn")
            for layer, each in found.items():
                if len(models) == 1 and not each["maps"] and layer not in wanted:
                    where = f"positive in images of {within}" if within else "ever positive"
                    click.echo(f"{layer}: no unit is {where}; nothing to draw")


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
    from zfnet.components.figures.gallery.compared import layers_by_name, layers_by_place

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
