"""`zfnet project`: the pixels of an image that activate a unit."""

import pathlib

import click

from zfnet.components.storage.files import atomic_path
from zfnet.pipeline.cli.arguments import find_model
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import (
    check_option,
    custom_objects_option,
    image_size_option,
    model_argument,
    one_layer_option,
    png_option,
    preprocessing_option,
    unit_option,
    unsupported_option,
)
from zfnet.pipeline.cli.output import make_its_directory
from zfnet.pipeline.messages import aligned_table


@click.command(cls=Command, short_help="Project the strongest activation of a layer to pixels, for each image.")
@model_argument
@click.argument("images", nargs=-1, required=True, metavar="IMAGE [IMAGE ...]")
@one_layer_option
@unit_option
@png_option
@check_option
@preprocessing_option
@image_size_option
@custom_objects_option
@unsupported_option
def command(
    model: str,
    images: tuple[str, ...],
    layer: str | None,
    unit: int | None,
    out: pathlib.Path,
    check: bool,
    preprocessing: str | None,
    image_size: int | None,
    custom_objects: tuple[str, ...],
    unsupported: str,
) -> None:
    """Project the strongest activation in a layer of MODEL to pixels, for each IMAGE, and draw it beside the image.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. IMAGE is centre-cropped, as in
    training.

    The picture has one block per image. If the receptive field is only a part of the image, the block shows the image with this window
    framed, the window, and its projection. If it is the whole image, the block shows the image and the projection. In projections grey is
    0. Each projection has its own scale; the strongest 0.2 % of its values are clipped.

    With --check, two bars under each projection show how far its activation falls without the tenth of pixels that the projection marks
    (dark), and without as many others (grey). The first is red if it is less than a tenth of the activation longer: other pixels matter
    nearly as much, so do not believe the marks. A table shows for each layer how alike the projections are if its weights are shuffled,
    alone, with all layers above or with all below: rank correlation of the pixels (pattern) and of their strengths (places), and SSIM. 1 is
    equal, 0 unrelated.
    """
    found = find_model(model, custom_objects)
    make_its_directory(out)

    import numpy as np
    from PIL import Image

    from zfnet.components.figures.images import mean_grey
    from zfnet.components.figures.units import unit_name
    from zfnet.components.inputs.centre_crop import read_image
    from zfnet.components.inputs.image_input import ImageInput
    from zfnet.components.pictures.project_images import images_layer_check, project_images, projection_grid
    from zfnet.components.pictures.projection_checks import check_words, layer_rows

    deconvnet, used = found.open_deconvnet(preprocessing, unsupported)
    if layer is None:
        raise click.UsageError(f"Missing option '--layer'. {model} has: {', '.join(deconvnet.layers)}.")
    deconvnet.graph.value_of(layer)
    image_input = ImageInput.of(deconvnet.model, image_size)
    pictures = image_input.crop(np.stack([read_image(path, image_input.side) for path in images]))
    click.echo(f"{model}: preprocessing {used}, images of {image_input.height} x {image_input.width} pixels")
    grey = mean_grey(deconvnet, image_input) if check else None
    projected = project_images(deconvnet, pictures, layer, unit, grey.values if grey else None)
    headings = []
    for path, each in zip(images, projected, strict=True):
        name = unit_name(deconvnet, layer, each.unit, found.labels)
        place = f" at row {each.position[0]}, column {each.position[1]}" if each.position else ""
        click.echo(f"{path}: {name}{place}, activation {each.activation:.6g}{check_words(each.check)}")
        headings.append(f"{pathlib.Path(path).name}: {name}, activation {each.activation:.3g}")
    if grey:
        click.echo(f"hidden pixels have {grey.source}; likeness with shuffled weights (pattern, places, SSIM):")
        click.echo("\n".join(aligned_table(layer_rows(images_layer_check(deconvnet, pictures, projected)))))
    with atomic_path(out) as partial:
        Image.fromarray(projection_grid(pictures, projected, headings)).save(partial, format="PNG")
    click.echo(out)
