"""`zfnet gallery`: what the units of a model look for."""

import pathlib

import click

from zfnet.pipeline.command import Command
from zfnet.pipeline.drawn_directory import drawn_directory
from zfnet.pipeline.model_argument import find_model
from zfnet.pipeline.options import data_option, image_size_option, model_argument, out_option, preprocessing_option, unsupported_option
from zfnet.pipeline.progress import progress
from zfnet.pipeline.run_config import RunConfig


@click.command(cls=Command, short_help="Draw what the units of a model answer to most.")
@model_argument
@data_option
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="L",
    show_default="all Conv2D layers, or five of them, evenly spread, where there are more than ten",
    help="Layer to draw, by its name in the model; several times for several layers.",
)
@click.option(
    "--maps",
    type=click.IntRange(min=1),
    default=RunConfig.maps_per_layer,
    show_default=True,
    metavar="N",
    help="Feature maps (or dense units) of each layer, drawn at random from those that are ever positive.",
)
@out_option
@preprocessing_option
@image_size_option
@unsupported_option
def command(
    model: str,
    data: str | None,
    layers: tuple[str, ...],
    maps: int,
    out: pathlib.Path,
    preprocessing: str,
    image_size: int | None,
    unsupported: str,
) -> None:
    """Draw, for feature maps of MODEL, their nine strongest activations over DATA: projections beside the patches of the photographs.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Writes DIR/gallery_LAYER.png for each layer, and DIR/gallery.json with
    the numbers behind everything that is drawn. Which maps are drawn is the same every time. In projections 0 is grey; each has a scale
    of its own, which the strongest 0.2 % of its values exceed.
    """
    found = find_model(model)
    with drawn_directory("gallery", out, data, pictures=lambda numbers: map(_picture_name, numbers)) as directory:
        from zfnet.components.figures.default_layers import default_layers
        from zfnet.components.figures.gallery import draw_galleries
        from zfnet.components.pictures.image_input import ImageInput

        deconvnet = found.open_deconvnet(preprocessing, unsupported)
        for layer in layers:
            deconvnet.graph.value_of(layer)
        layers = tuple(dict.fromkeys(layers)) or default_layers(deconvnet)
        image_input = ImageInput.of(deconvnet.model, image_size)
        click.echo(f"{model}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
        examples = directory.examples(found, data, image_input.side)
        pictures = draw_galleries(
            deconvnet, examples, layers, directory.drawing, maps=maps, seed=RunConfig.seed, labels=found.labels, progress=progress
        )
    for layer in layers:
        click.echo(out / _picture_name(layer) if layer in pictures else f"{layer}: no unit is ever positive, nothing to draw")
    click.echo(out / "gallery.json")


def _picture_name(layer: str) -> str:
    from zfnet.components.figures.gallery import picture_name

    return picture_name(layer)
