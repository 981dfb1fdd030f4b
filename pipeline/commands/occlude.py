"""`zfnet occlude`: which part of an image a model's answer rests on."""

import json
import pathlib

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.model_argument import find_model
from zfnet.pipeline.cli.options import image_size_option, model_argument, out_option, preprocessing_option, unsupported_option
from zfnet.pipeline.cli.output import figure_directory


@click.command(cls=Command, short_help="Slide a grey square over an image, and see what the model still sees.")
@model_argument
@click.argument("image")
@click.option(
    "--label",
    metavar="NAME",
    show_default="the class predicted without the square",
    help="Class whose probability is drawn, by its name, or by its number from 0.",
)
@click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the run; none for a .keras file",
    help="Photographs whose projections are shown beside that of IMAGE, as `zfnet run --data` takes them: their validation split.",
)
@click.option(
    "--layer",
    metavar="L",
    show_default="what the last pooling takes, conv5 of ZFNet",
    help="Layer whose strongest map is watched, by its name in the model.",
)
@click.option("--square", type=click.IntRange(min=1), metavar="N", show_default="50 of 224", help="Side of the square, in pixels.")
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="a 32nd of the image",
    help="Most pixels from one place of the square to the next.",
)
@out_option
@preprocessing_option
@image_size_option
@unsupported_option
def command(
    model: str,
    image: str,
    label: str | None,
    data: str | None,
    layer: str | None,
    square: int | None,
    stride: int | None,
    out: pathlib.Path,
    preprocessing: str,
    image_size: int | None,
    unsupported: str,
) -> None:
    """Slide a grey square over IMAGE, and draw by its place what becomes of the strongest map of MODEL and of its answer.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Of IMAGE, the central square is seen, as in training. The picture is the
    paper's Fig. 7: the image, the total activation of the map that was strongest without the square, its projection in this image
    and its strongest ones in DATA, the probability of the class, and the most probable class.

    Writes DIR/occlusion.png, and DIR/occlude.json with every number drawn.
    """
    found = find_model(model)
    with figure_directory("occlude", out, data) as directory:
        from zfnet.components.figures.layers import paper_layers
        from zfnet.components.figures.occlusion.draw import PREDICTED, OcclusionInput, draw_occlusion
        from zfnet.components.figures.subjects import GIVEN, class_number
        from zfnet.components.inputs.centre_crop import read_centre_crop
        from zfnet.components.inputs.image_input import ImageInput
        from zfnet.model.measures.outputs import class_layer

        deconvnet = found.open_deconvnet(preprocessing, unsupported)
        layer = layer or paper_layers(deconvnet).last_map
        image_input = ImageInput.of(deconvnet.model, image_size)
        last = class_layer(deconvnet)
        outputs = deconvnet.graph.unit_count(last) if last else 0
        labels = found.labels if len(found.labels) == outputs else []
        number = class_number(label, labels, outputs) if label is not None else None
        pixels = read_centre_crop(image, image_input.side).central(image_input.height, image_input.width)
        click.echo(f"{model}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
        examples = directory.examples(found, data, image_input.side) if data is not None or found.examples is not None else None
        if examples is None:
            click.echo("No --data: projections of other images are left out.")
        subject = OcclusionInput(pathlib.PurePath(image).name, pixels, number, PREDICTED if label is None else GIVEN, labels)
        draw_occlusion(deconvnet, subject, layer, directory.drawing, examples=examples, square=square, stride=stride)
        numbers = json.loads((directory.drawing / "occlude.json").read_text())
    least = min(map(min, numbers["totals"]))
    click.echo(f"{layer}, map {numbers['unit']}: total activation {numbers['total']:.4g}, with the square at worst {least:.4g}")
    if "class" in numbers:
        least = min(map(min, numbers["probabilities"]))
        click.echo(f"P({numbers['class']}), the {numbers['class_is']}: {numbers['probability']:.3f}, with the square at worst {least:.3f}")
    click.echo(out / "occlusion.png")
    click.echo(out / "occlude.json")
