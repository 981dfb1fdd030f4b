"""`zfnet explore`: every map of a model on one page."""

import pathlib
from typing import TYPE_CHECKING

import click
from etils import epath

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, OpenedModel, figure_options
from zfnet.pipeline.cli.options import data_option, layers_option
from zfnet.pipeline.cli.output import figure_file

if TYPE_CHECKING:
    from zfnet.components.training.kept_filters import KeptFilters

page_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    required=True,
    metavar="FILE.html",
    help="Page to write; its directory is created if missing. An earlier page is replaced.",
)


@click.command(cls=Command, short_help="Write every map of a model on one page, to look at in a browser.")
@click.argument("model")
@data_option
@layers_option("the ReLUs of all Conv2D layers, or of five evenly spread ones if there are more than ten; and the classes", "Layer to show")
@click.option(
    "--folder",
    is_flag=True,
    help="Write pictures and numbers as files beside the page, in FILE_files, which the page loads when it needs them: for large nets. "
    "Pictures have up to 224 pixels a side instead of 112.",
)
@figure_options("explore", output=page_option)
def command(job: FigureJob, data: str | None, layers: tuple[str, ...], folder: bool) -> None:
    """Write one HTML page with every map of MODEL. It needs no server and no network, and can be mailed.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. Each map has its nine
    strongest activations over DATA, as image patches beside their projections, and the classes that it answers to. In up to 30 photographs,
    a click on a place shows the units that answer there. If MODEL is a run, a slider shows all maps after several epochs of the training.
    """
    with figure_file(job.out, data) as directory:
        from zfnet.components.exploration.exploration import explored_layers, write_exploration
        from zfnet.components.figures.gallery.example_search import ExampleSearch

        opened = job.open()
        for layer in layers:
            opened.deconvnet.graph.value_of(layer)  # Its error lists the layers there are.
        opened.announce()
        search = ExampleSearch(opened.deconvnet, opened.images(directory, data))
        kept = _kept_filters(opened)
        chosen = list(dict.fromkeys(layers)) or explored_layers(search)
        labels, _ = opened.classes()
        name = pathlib.PurePath(opened.argument).name or opened.argument
        write_exploration(search, job.out, chosen, model=name, labels=labels, kept=kept, folder=folder)
    if kept is None and opened.found.root is not None:
        click.echo(f"{opened.argument}: no filters of earlier epochs were found; the page has no slider")
    click.echo(f"{job.out}  {job.out.stat().st_size / 1e6:.1f} MB")


def _kept_filters(opened: OpenedModel) -> "KeptFilters | None":
    """The filters that the training of a run kept; None for other models."""
    from zfnet.components.artifacts import Model
    from zfnet.components.training.kept_filters import find_filters

    root = opened.found.root
    if root is None or not (root / "trainer").exists():
        return None
    folders = sorted(each for each in (root / "trainer").iterdir() if each.name.startswith("checkpoints-"))
    history = Model(epath.Path(opened.found.file).parent).read_json("history.json")
    return find_filters(opened.deconvnet, folders, len(history))
