"""`zfnet occlude`: the part of an image that a model's prediction depends on."""

import pathlib

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, figure_options
from zfnet.pipeline.cli.options import model_argument


@click.command(cls=Command, short_help="Measure how a grey square over an image changes the prediction.")
@model_argument
@click.argument("image")
@click.option(
    "--label",
    metavar="NAME",
    show_default="the class predicted without the square",
    help="Class whose probability is drawn, by name or by number from 0.",
)
@click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the run; without a run, none",
    help="Images in which the strongest activations of the map are found and projected, in any form that `zfnet run --data` accepts. The "
    "validation split is used.",
)
@click.option(
    "--layer",
    metavar="L",
    show_default="the input of the last pooling, conv5 in ZFNet",
    help="Layer of the strongest map, by its name in the model.",
)
@click.option(
    "--square", type=click.IntRange(min=1), metavar="N", show_default="50/224 of the image", help="Side of the square, in pixels."
)
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="1/32 of the image",
    help="Largest step of the square, in pixels. The positions are spread evenly from border to border.",
)
@figure_options("occlude")
def command(
    job: FigureJob, image: str, label: str | None, data: str | None, layer: str | None, square: int | None, stride: int | None
) -> None:
    """Slide a grey square over IMAGE and plot, for each position, the activation of the strongest feature map and P(class).

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. IMAGE is centre-cropped, as in
    training. The picture is the paper's Fig. 7: the image, the total activation of the map that is strongest without the square, its
    projections in this image and in DATA, the probability of the class, and the most probable class.

    Writes DIR/occlusion.png, and DIR/occlude.json with all numbers.
    """
    with job.directory(data) as directory:
        from zfnet.components.figures.gallery.example_search import ExampleSearch
        from zfnet.components.figures.images import GIVEN, class_number
        from zfnet.components.figures.layers import paper_layers
        from zfnet.components.figures.occlusion.chart import OcclusionInput
        from zfnet.components.figures.occlusion.draw import PREDICTED, draw_occlusion
        from zfnet.components.inputs.centre_crop import read_centre_crop

        model = job.open()
        layer = layer or paper_layers(model.deconvnet).last_map
        labels, outputs = model.classes()
        number = class_number(label, labels, outputs) if label is not None else None
        pixels = read_centre_crop(image, model.image_input.side).central(*model.image_input[:2])
        model.announce()
        search = None
        if data is not None or model.found.examples is not None:
            search = ExampleSearch(model.deconvnet, model.images(directory, data))
        else:
            click.echo("No --data: projections of other images are left out.")
        subject = OcclusionInput(pathlib.PurePath(image).name, pixels, number, PREDICTED if label is None else GIVEN, labels)
        figure = draw_occlusion(model.deconvnet, subject, layer, search=search, square=square, stride=stride)
        directory.save(figure)
        numbers = figure.numbers
        least = min(map(min, numbers["totals"]))
        click.echo(f"{layer}, map {numbers['unit']}: total activation {numbers['total']:.4g}, lowest with the square {least:.4g}")
        if "class" in numbers:
            least = min(map(min, numbers["probabilities"]))
            click.echo(
                f"P({numbers['class']}), the {numbers['class_is']}: {numbers['probability']:.3f}, lowest with the square {least:.3f}"
            )
