"""`zfnet filters`: whether the first layers of models are any good, and what to change."""

import pathlib
from typing import TYPE_CHECKING

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.model_argument import find_model
from zfnet.pipeline.cli.options import data_option, image_size_option, out_option, preprocessing_option
from zfnet.pipeline.cli.output import figure_directory
from zfnet.pipeline.run_config import Recipe

if TYPE_CHECKING:
    from zfnet.components.figures.filters.report import FilterReport

# By what a verdict says of a change.
LABELS = {True: "change", False: "fine", None: "unsure"}


@click.command(cls=Command, short_help="Measure and draw the filters of one model or several.")
@click.argument("models", metavar="MODEL [MODEL ...]", nargs=-1, required=True)
@data_option
@click.option(
    "--radius",
    type=click.FloatRange(min=0, min_open=True),
    metavar="R",
    show_default="the one that the model was trained with, if any",
    help="RMS at which filters of the first convolution count as clipped, for a model that was trained without FilterRmsClip.",
)
@click.option(
    "--maps",
    type=click.IntRange(min=1),
    default=24,
    show_default=True,
    metavar="N",
    help="Feature maps of layer 2 to project, drawn at random from those that are ever positive.",
)
@out_option
@preprocessing_option
@image_size_option
@click.option("--seed", type=click.IntRange(0, 2**32 - 2), default=Recipe.seed, show_default=True, metavar="N", help="Decides which maps.")
def command(
    models: tuple[str, ...],
    data: str | None,
    radius: float | None,
    maps: int,
    out: pathlib.Path,
    preprocessing: str,
    image_size: int | None,
    seed: int,
) -> None:
    """Measure the filters of each MODEL over DATA, say what is wrong with them, and draw layers 1 and 2 of all models side by side.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Measured are: which filters of the first
    convolution have structure, and which are noise or one colour; aliasing, the part of each filter's spectrum that the stride can't
    represent; filters at the RMS clip; dead maps of every layer that ends in a ReLU; and how evenly activation is spread over each layer's
    maps. Writes DIR/filters.png, and DIR/filters.json with every number that is drawn.
    """
    twice = {model for model in models if models.count(model) > 1}
    if twice:
        raise click.UsageError(f"{min(twice)} is given twice; expected different models.")
    found = {model: find_model(model) for model in models}
    with figure_directory("filters", out, data) as directory:
        from zfnet.components.figures.filters.draw import draw_reports
        from zfnet.components.figures.filters.report import filter_report
        from zfnet.components.inputs.image_input import ImageInput
        from zfnet.model.deconvnet.deconvnet import Deconvnet

        reports, prepared = [], {}
        for model, argument in found.items():
            # Nothing that is measured comes down through the net; layer 2 is projected where a deconvnet is defined for what is below.
            net, used = argument.open_model(preprocessing)
            deconvnet = Deconvnet(net, "gradient")
            image_input = ImageInput.of(net, image_size)
            click.echo(f"{model}: preprocessing {used}, images of {image_input.height} x {image_input.width} pixels")
            key = image_input.side, data is None and argument.examples is not None and model
            if key not in prepared:
                prepared[key] = directory.examples(argument, data, image_input.side)
            try:
                report = filter_report(deconvnet, prepared[key], name=model, radius=radius, maps=maps, seed=seed)
            except ValueError as error:
                raise ValueError(f"{model}: {error}") from error
            reports.append(report)
        draw_reports(reports, directory.drawing)
    for report in reports:
        click.echo()
        _say(report)
    _compare(reports)
    click.echo(out / "filters.png")
    click.echo(out / "filters.json")


def _say(report: "FilterReport") -> None:
    width = max([len("layer"), *map(len, report.layers)])
    click.echo(f"{report.name}, over {report.images} images")
    click.echo(f"  {'layer':{width}}  maps  dead  entropy  strongest tenth")
    for layer, maps in report.layers.items():
        spread = report.spreads[layer]
        click.echo(f"  {layer:{width}}  {len(maps.means):4}  {maps.dead.sum():4}  {spread.entropy:7.2f}  {spread.strongest_tenth:15.2f}")
    for verdict in report.verdicts:
        click.echo(f"  {LABELS[verdict.change]}: {verdict.words}")
    if report.no_second:
        click.echo(f"  Layer 2 is not drawn: {report.no_second}.")


def _compare(reports: "list[FilterReport]") -> None:
    from zfnet.components.figures.filters.numbers import filter_comparison

    click.echo()
    for sentence in filter_comparison(reports):
        click.echo(sentence)
