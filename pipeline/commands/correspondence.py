"""`zfnet correspondence`: a test whether hiding the same part of different images changes a model's features in the same way."""

import pathlib

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, figure_options
from zfnet.pipeline.cli.options import layers_option, model_argument, seed_option
from zfnet.pipeline.messages import aligned_table


@click.command(cls=Command, short_help="Measure whether hiding the same part of several images changes features in the same way.")
@model_argument
@click.argument("images", nargs=-1, metavar="[IMAGE ...]")
@click.option(
    "--boxes",
    "boxes_file",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    metavar="FILE",
    help="JSON of the boxes around parts: {image: {part: [left, top, width, height]}}, in pixels of the image file; paths are "
    "relative to FILE. Without IMAGE, all images in FILE are used.",
)
@click.option(
    "--box",
    "boxes",
    multiple=True,
    metavar="PART=LEFT,TOP,WIDTH,HEIGHT",
    help="Box around a part, instead of --boxes. Give it once for each IMAGE, in their order; then once for each IMAGE for the next part.",
)
@click.option(
    "--within",
    metavar="PART",
    show_default="the whole image",
    help="Part that contains the random boxes, such as the face; it is not measured itself.",
)
@click.option("--draws", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="Number of random boxes per part.")
@layers_option("the last pooling, and the input of the last dense layer", "Layer whose features are compared")
@seed_option("the random boxes")
@click.option(
    "--data",
    metavar="DATA",
    show_default="the mean image that the model subtracts, else 128",
    help="Images whose mean colour fills the hidden parts, in any form that `zfnet run --data` accepts.",
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
    """Hide the same part in every IMAGE and measure whether this changes the features of all in the same way; compare with random boxes.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. The table is the paper's Table
    1: the share of features whose change differs in sign (up, down or none) between two images; mean and standard deviation over all pairs
    of images. A lower value than for random boxes means that hiding the part has the same effect in all images. If the part is at a similar
    position in all images, an untrained network shows some of this effect too.

    Without IMAGE and boxes, the command uses five views of one face; this is a demonstration, not the paper's experiment.

    Writes DIR/correspondence.png (the table as a chart), DIR/correspondence_parts.png (the images with hidden parts), and
    DIR/correspondence.json with all numbers.
    """
    if boxes and boxes_file:
        raise click.UsageError("Give either --boxes or --box.")
    if boxes and not images:
        raise click.UsageError("--box needs an IMAGE, whose part it is around.")
    if images and not boxes and not boxes_file:
        raise click.UsageError("There are images and no boxes around their parts; give --boxes or --box.")
    if within and not (boxes or boxes_file):
        raise click.UsageError("--within names a part of --boxes or --box; neither was given.")

    from zfnet.components.figures.correspondence.parts import check_parts, demonstration, given_part_boxes, read_part_boxes, views_of_files

    names, parts = read_part_boxes(boxes_file, images) if boxes_file else (list(images), given_part_boxes(boxes, images))
    if names:
        check_parts(names, parts, within)
    with job.directory(data) as directory:
        from zfnet.components.figures.correspondence.draw import draw_correspondence
        from zfnet.components.figures.images import mean_grey
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


def _table(parts: dict[str, dict]) -> list[str]:
    """The paper's Table 1, with the random boxes of each part beside it."""
    layers = list(next(iter(parts.values())))
    heading = "mean feature sign change, +- standard deviation over pairs of images; and the share of random draws that are as low:"
    rows = [["", *(title for layer in layers for title in (layer, f"{layer}, random", "as low"))]]
    for part, found in parts.items():
        cells = [part]
        for layer in layers:
            cells += [f"{each['mean']:.3f} +- {each['std']:.3f}" for each in (found[layer], found[layer]["random"])]
            cells.append(f"{found[layer]['share_of_draws_not_above']:.0%}")
        rows.append(cells)
    return [heading, *aligned_table(rows)]
