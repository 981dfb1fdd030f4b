"""`zfnet report`: a run on one page."""

import pathlib

import click
from etils import epath

from zfnet.components.storage.files import atomic_path
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import metadata_option, root_option
from zfnet.pipeline.cli.output import make_its_directory


@click.command(cls=Command, short_help="Write a run as one HTML page.")
@root_option
@metadata_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    default="report.html",
    show_default=True,
    metavar="FILE",
    help="Output file; an existing one is replaced.",
)
def command(root: epath.Path, metadata_url: str | None, out: pathlib.Path) -> None:
    """Write the results of a run as one HTML file that needs no server, network or other file.

    It contains the errors, warnings about the data, the classes and examples that the network mistakes, the pictures, the training
    curves, the number of examples in each class, rejected images, anomalies, and the information to repeat the run: command, seed,
    versions, commit and data version.
    """
    from zfnet.pipeline.report import read_report, report_page

    content = read_report(root, metadata_url, out)
    make_its_directory(out)
    page = report_page(content)
    with atomic_path(out) as partial:
        partial.write_text(page, encoding="utf-8")
    click.echo(f"{out}  {out.stat().st_size / 1e6:.1f} MB")
