"""`zfnet invariance`: changes of a model's features and prediction while an image is translated, scaled and rotated."""

import statistics

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, figure_options
from zfnet.pipeline.cli.options import data_option, layers_option, model_argument, seed_option
from zfnet.pipeline.messages import aligned_table

EXAMPLES = 5  # Zeiler & Fergus 2013, Fig. 5.
SPLIT = "validation"


@click.command(cls=Command, short_help="Measure how features change when images are translated, scaled and rotated.")
@model_argument
@click.argument("images", nargs=-1, metavar="[IMAGE ...]")
@data_option
@layers_option("the first convolution, and the input of the last dense layer", "Layer whose features are compared")
@click.option(
    "--label",
    "names",
    multiple=True,
    metavar="NAME",
    show_default="the class predicted for the untransformed image; for examples of DATA their true class, if the model has it",
    help="Class of IMAGE, by name or by number from 0. Give it once for all images, or once for each image in their order.",
)
@seed_option("the choice of examples without IMAGE")
@figure_options("invariance", unsupported=False)
def command(job: FigureJob, images: tuple[str, ...], data: str | None, layers: tuple[str, ...], names: tuple[str, ...], seed: int) -> None:
    """Translate, scale and rotate images, and measure how much the features of MODEL and the probability of the class change.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. IMAGE and --data exclude each
    other: without IMAGE, five examples of different classes are taken from DATA.

    Draws the paper's Fig. 5: vertical translation (by up to 60 pixels in images of 224, in proportion in others), scale (1 to 1.8) and
    rotation (0 to 350 degrees). Borders are filled from the surrounding photograph, then by repeating its edge pixels. Writes
    DIR/invariance.png, and DIR/invariance.json with all numbers. The table shows the mean feature distance over all images and steps,
    divided by the mean distance between the untransformed images.
    """
    if names and not images:
        raise click.UsageError("--label is the class of an IMAGE, and there is none; the classes of DATA are known.")
    if len(names) > 1 and len(names) != len(images):
        raise click.UsageError(f"--label was given {len(names)} times for {len(images)} images; expected once, or once for each.")
    if images and data:
        raise click.UsageError("Give either IMAGE or --data; examples of DATA are used only without IMAGE.")
    with job.directory(data) as directory:
        from zfnet.components.figures.images import subjects_of_examples, subjects_of_files
        from zfnet.components.figures.invariance import draw_invariance
        from zfnet.components.figures.layers import chosen_layers

        model = job.open()
        layers = chosen_layers(model.deconvnet, layers, "first", "hidden")
        labels, outputs = model.classes()
        model.announce()
        if images:
            subjects = subjects_of_files(images, model.image_input, labels, outputs, names)
        else:
            examples = directory.examples(model.found, data, model.image_input.side)
            subjects = subjects_of_examples(examples, SPLIT, EXAMPLES, seed, model.image_input, labels, outputs)
        figure = draw_invariance(model.deconvnet, subjects, layers, image_size=job.image_size)
        directory.save(figure)
        for image in figure.numbers["images"]:
            about = [f"{image['class']} ({image['class_is']}), P {image['probability']:.3f}"] if outputs else []
            click.echo("  ".join([image["image"], *about]))
        for line in _table(figure.numbers):
            click.echo(line)


def _table(numbers: dict) -> list[str]:
    """The means of the curves over images and steps."""
    layers = numbers["distance_between_images"]
    has_classes = "class" in numbers["images"][0]
    relative = all(layers.values())
    heading = f"mean over images and steps, distances {'divided by that between the images' if relative else 'as they are'}:"
    rows = [["", *layers, *(["P"] if has_classes else [])]]
    for name, found in numbers["transformations"].items():
        distances = found["relative_distances" if relative else "distances"]
        curves = [*(distances[layer] for layer in layers), *([found["probabilities"]] if has_classes else [])]
        rows.append([name, *(f"{statistics.fmean(value for values in curve for value in values):.3f}" for curve in curves)])
    return [heading, *aligned_table(rows)]
