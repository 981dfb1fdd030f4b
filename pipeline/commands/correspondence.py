"""`zfnet correspondence`: does hiding the same part of different images change a model's features alike?"""

import pathlib
from collections.abc import Iterator
from typing import Any

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, figure_options
from zfnet.pipeline.cli.options import layers_option, model_argument, seed_option


@click.command(cls=Command, short_help="Measure whether hiding the same part of images changes features alike.")
@model_argument
@click.argument("images", nargs=-1, metavar="[IMAGE ...]")
@click.option(
    "--boxes",
    "boxes_file",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    metavar="FILE",
    help="JSON of the boxes around parts: {image: {part: [left, top, width, height]}}, in pixels of the image file, paths from the "
    "directory of FILE. Without IMAGE all of them are taken.",
)
@click.option(
    "--box",
    "boxes",
    multiple=True,
    metavar="PART=LEFT,TOP,WIDTH,HEIGHT",
    help="Instead of --boxes: a box around a part, once for each IMAGE, in their order; then those of the next part.",
)
@click.option(
    "--within",
    metavar="PART",
    show_default="the whole image",
    help="Part that random boxes lie in, such as the face; it is not measured itself.",
)
@click.option("--draws", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="Random boxes for each part.")
@layers_option("the last pooling, and what the last dense layer takes", "Layer whose features are compared")
@seed_option("where random boxes lie")
@click.option(
    "--data",
    metavar="DATA",
    show_default="the mean image that the model subtracts, else 128",
    help="Photographs, as `zfnet run --data` takes them, whose mean colour hidden parts show.",
)
@figure_options("correspondence", unsupported=False)
def command(
    job: FigureJob,
    images: tuple[str, ...],
    boxes_file: pathlib.Path | None,
    boxes: tuple[str, ...],
    within: str | None,
    draws: int,
    layers: tuple[str, ...],
    seed: int,
    data: str | None,
) -> None:
    """Hide the same part of every IMAGE, and measure how differently the features of MODEL change; the same for random boxes.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. The table is the paper's Table 1: for each pair of images, the share of
    features whose change has another sign (up, down or none); mean and standard deviation over the pairs. A value lower than that of random
    boxes means that hiding the part has the same effect in all images. If the part is at about the same place in all of them, a net that
    has learned nothing shows some of that too.

    Without IMAGE and boxes, the command measures five views of one face. That is a demonstration, not the paper's experiment.

    Writes DIR/correspondence.png, the table as a chart, DIR/correspondence_parts.png, the images with hidden parts, and
    DIR/correspondence.json with every number drawn.
    """
    if boxes and boxes_file:
        raise click.UsageError("Give either --boxes or --box.")
    if boxes and not images:
        raise click.UsageError("--box is around a part of an IMAGE, and there is none.")
    if images and not boxes and not boxes_file:
        raise click.UsageError("There are images and no boxes around their parts; give them by --boxes or --box.")
    if within and not (boxes or boxes_file):
        raise click.UsageError("--within names a part of images that are given, and there is none.")

    from zfnet.components.figures.correspondence.parts import check_parts, demonstration, given_part_boxes, read_part_boxes, views_of_files

    names, parts = read_part_boxes(boxes_file, images) if boxes_file else (list(images), given_part_boxes(boxes, images))
    if names:
        check_parts(names, parts, within)
    with job.directory(data) as directory:
        from zfnet.components.figures.correspondence.draw import draw_correspondence
        from zfnet.components.figures.image_set import mean_grey
        from zfnet.components.figures.layers import chosen_layers

        model = job.open()
        layers = chosen_layers(model.deconvnet, layers, "pooled", "hidden")
        views = views_of_files(names, parts, within, model.image_input) if names else demonstration(model.image_input)
        model.announce()
        grey = mean_grey(model.deconvnet, model.image_input, model.images(directory, data) if data else None)
        click.echo(f"{views.note}; hidden parts show {grey.source}")
        figure = draw_correspondence(model.deconvnet, views, grey, layers, draws=draws, seed=seed)
        directory.save(figure)
        for line in _table(figure.numbers["parts"]):
            click.echo(line)


def _table(parts: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The paper's Table 1, with the random boxes of each part beside it."""
    wide = max(map(len, parts))
    layers = list(next(iter(parts.values())))
    column = max(18, *(len(layer) + 10 for layer in layers))
    yield "mean feature sign change, +- standard deviation over pairs of images; and how many random draws are as low:"
    headings = [heading for layer in layers for heading in (layer, f"{layer}, random")]
    yield " " * wide + "".join(f"{heading:>{column}}" + " " * 7 * (number % 2) for number, heading in enumerate(headings))
    for part, found in parts.items():
        row = part.ljust(wide)
        for layer in layers:
            values = found[layer], found[layer]["random"]
            row += "".join(f"{each['mean']:.3f} +- {each['std']:.3f}".rjust(column) for each in values)
            row += f"{found[layer]['share_of_draws_not_above']:7.0%}"
        yield row
