"""`zfnet filters`: measurements of the first layers of models, with advice."""

from typing import TYPE_CHECKING

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, figure_options
from zfnet.pipeline.cli.options import data_option, seed_option
from zfnet.pipeline.messages import aligned_table

if TYPE_CHECKING:
    from zfnet.components.figures.filters.report import FilterReport

# Labels of a verdict, by whether it advises a change.
LABELS = {True: "change", False: "fine", None: "unsure"}


@click.command(cls=Command, short_help="Measure the filters of models, report problems, and draw the first layers.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@data_option
@click.option(
    "--radius",
    type=click.FloatRange(min=0, min_open=True),
    metavar="R",
    show_default="the value that the model was trained with, if any",
    help="RMS from which a filter of the first convolution counts as clipped, for a model that was not trained with FilterRmsClip.",
)
@click.option(
    "--maps",
    type=click.IntRange(min=1),
    default=24,
    show_default=True,
    metavar="N",
    help="Number of feature maps of layer 2 to project, chosen at random from those that are active on some image of DATA.",
)
@seed_option("the random choice of maps")
@figure_options("filters", unsupported=False)
def command(job: FigureJob, data: str | None, radius: float | None, maps: int, seed: int) -> None:
    """Measure the filters of each MODEL over DATA, report problems, and draw layers 1 and 2 of all models side by side.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. The command measures, in the
    first convolution: which filters have structure, and which are noise or one colour; aliasing, the part of each filter's spectrum that
    the stride cannot represent; and filters that the RMS clip limits (RMS: root mean square of the weights). In every layer with a ReLU it
    measures dead maps, which are never active, and how evenly activation is spread over the maps. Writes DIR/filters.png, and
    DIR/filters.json with all numbers.
    """
    twice = {model for model in job.models if job.models.count(model) > 1}
    if twice:
        raise click.UsageError(f"{min(twice)} is given twice; expected different models.")
    with job.directory(data) as directory:
        from zfnet.components.figures.filters.draw import draw_filters
        from zfnet.components.figures.filters.numbers import filter_comparison
        from zfnet.components.figures.filters.report import filter_report
        from zfnet.components.figures.gallery.example_search import ExampleSearch

        reports = []
        for place in range(len(job.models)):
            model = job.open(place)
            model.announce()
            try:
                search = ExampleSearch(model.deconvnet, model.images(directory, data))
                reports.append(filter_report(model.deconvnet, search, name=model.argument, radius=radius, maps=maps, seed=seed))
            except ValueError as error:
                raise ValueError(f"{model.argument}: {error}") from error
        directory.save(draw_filters(reports))
        for report in reports:
            click.echo()
            _print(report)
        click.echo()
        for sentence in filter_comparison(reports):
            click.echo(sentence)


def _print(report: "FilterReport") -> None:
    click.echo(f"{report.name}, over {len(report.images)} images")
    rows = [["layer", "maps", "dead", "entropy", "strongest tenth"]]
    for layer, maps in report.layers.items():
        spread = report.spreads[layer]
        rows.append([layer, f"{len(maps.means)}", f"{maps.dead.sum()}", f"{spread.entropy:.2f}", f"{spread.strongest_tenth:.2f}"])
    for line in aligned_table(rows, indent=2):
        click.echo(line)
    for verdict in report.verdicts:
        click.echo(f"  {LABELS[verdict.change]}: {verdict.words}")
    if report.no_second:
        click.echo(f"  Layer 2 is not drawn: {report.no_second}.")
