"""`zfnet report`: a run on one page."""

import pathlib

import click
from etils import epath

from zfnet.components.storage.files import atomic_path
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import metadata_option, root_option
from zfnet.pipeline.cli.output import make_its_directory


@click.command(cls=Command, short_help="Put a run on one page, to look at or to mail.")
@root_option
@metadata_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    default="report.html",
    show_default=True,
    metavar="FILE",
    help="The page, made anew if it is there.",
)
def command(root: epath.Path, metadata_url: str | None, out: pathlib.Path) -> None:
    """Write everything that a run came to as one HTML file that needs no other, and no server.

    It holds the pictures, the errors, the course of the training, the numbers of each class, rejected photographs, anomalies, and what it
    takes to make it again: command, seed, versions, commit and the version of the data. A browser opens it without a network.
    """
    from zfnet.pipeline.report.content import read_report
    from zfnet.pipeline.report.page import report_page

    content = read_report(root, metadata_url)
    make_its_directory(out)
    page = report_page(content)
    with atomic_path(out) as partial:
        partial.write_text(page, encoding="utf-8")
    click.echo(f"{out}  {out.stat().st_size / 1e6:.1f} MB")
