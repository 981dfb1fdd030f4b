"""`zfnet methods`: one unit by several methods, beside each other."""

import pathlib

import click

from zfnet.components.storage.files import atomic_path
from zfnet.pipeline.cli.arguments import find_model
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import (
    custom_objects_option,
    image_size_option,
    model_argument,
    one_layer_option,
    png_option,
    preprocessing_option,
    seed_option,
    unit_option,
    unsupported_option,
)
from zfnet.pipeline.cli.output import make_its_directory


@click.command(cls=Command, short_help="Draw one unit by deconvnet, gradients and activation maximisation.")
@model_argument
@click.argument("image")
@one_layer_option
@unit_option
@png_option
@click.option("--steps", type=click.IntRange(min=1), default=128, show_default=True, metavar="N", help="Steps of activation maximisation.")
@seed_option("the noise that activation maximisation starts from, and of pixels that are hidden")
@preprocessing_option
@image_size_option
@custom_objects_option
@unsupported_option
def command(
    model: str,
    image: str,
    layer: str | None,
    unit: int | None,
    out: pathlib.Path,
    steps: int,
    seed: int,
    preprocessing: str | None,
    image_size: int | None,
    custom_objects: tuple[str, ...],
    unsupported: str,
) -> None:
    """Draw one unit of MODEL by four methods, in one strip with explanations: for teaching what each of them shows.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. IMAGE is centre-cropped, as in
    training. Deconvnet, gradient and guided backpropagation start from the unit's strongest activation in IMAGE; activation maximisation
    makes an image from noise.

    Bars under a method show how far the activation falls if the tenth of the pixels that the method marks is hidden (dark), and if as many
    others are (grey). The first is red if it is less than a tenth of the activation longer: other pixels matter nearly as much.
    """
    found = find_model(model, custom_objects)
    make_its_directory(out)

    from zfnet.components.figures.methods import draw_methods
    from zfnet.components.inputs.centre_crop import read_image
    from zfnet.components.inputs.image_input import ImageInput
    from zfnet.components.pictures.projection_checks import change

    deconvnet, used = found.open_deconvnet(preprocessing, unsupported)
    if layer is None:
        raise click.UsageError(f"Missing option '--layer'. {model} has: {', '.join(deconvnet.layers)}.")
    image_input = ImageInput.of(deconvnet.model, image_size)
    click.echo(f"{model}: preprocessing {used}, images of {image_input.height} x {image_input.width} pixels")
    picture = image_input.crop(read_image(image, image_input.side)[None])[0]
    figure = draw_methods(deconvnet, picture, layer, unit, found.labels, steps=steps, seed=seed)
    for name, check in figure.numbers["checks"].items():
        click.echo(
            f"{name}: the activation {change(check['fall'])} without the marked pixels, {change(check['fall_elsewhere'])} without others"
        )
    click.echo(f"activation {figure.numbers['activation']:.6g}, maximised {figure.numbers['maximized']:.6g}")
    with atomic_path(out) as partial:
        partial.write_bytes(figure.encoded["methods"])
    click.echo(out)
