"""`zfnet compare`: architectures trained by one recipe, as the paper's Table 3 has them."""

import dataclasses
import pathlib
import signal
from collections.abc import Sequence
from typing import Any

import click

from zfnet.components.training.cluster_task import read_task
from zfnet.pipeline.cli.command import Command, command_line
from zfnet.pipeline.cli.data_argument import check_outside_data
from zfnet.pipeline.cli.options import choice_options
from zfnet.pipeline.named_configs import choose
from zfnet.pipeline.run_config import Recipe, RunConfig


@click.command(cls=Command, short_help="Train several networks by one recipe, and compare their errors.")
@click.argument("architectures", nargs=-1, required=True, metavar="ARCHITECTURE [ARCHITECTURE ...]")
@choice_options("data", "epochs", "batch_size", "seed", "augmentation")
@click.option(
    "--image-size",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="what the first architecture was made for",
    help="Side of the input of all networks, in pixels.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    required=True,
    metavar="DIR",
    help="Directory for everything, made if missing. If it exists, only missing models are trained.",
)
def command(architectures: tuple[str, ...], image_size: int | None, out: pathlib.Path, **choices: Any) -> None:
    """Train every ARCHITECTURE by the same recipe on the same examples, and show training error beside validation error.

    An ARCHITECTURE is zfnet, alexnet, zfnet-small, alexnet-small or another row of the table, or a variation of one: a name, a colon, and
    changes separated by commas, such as zfnet-small:conv1.kernel=11,conv1.stride=4,conv3.filters=512,fc6.units=256,without=conv4. What can
    be changed is filters, kernel, stride, padding, pool and normalize of conv1 to conv5, units of fc6 and fc7, dropout, rms_radius,
    first_stddev and deep_stddev; and of how it learns, learning_rate, schedule (plateau or cosine) and
    weight_decay.

    Writes DIR/compare.json with every number, and the same as compare.csv, compare.md and compare.png. `zfnet tensorboard --root DIR` shows
    the curves of every training, and hyperparameters beside errors under HParams; `zfnet runs --root DIR` shows where all of it came from.
    The models are in DIR too: compare.json says where.

    An architecture that can't be trained is reported in the end, with exit code 1, when all others have been.
    """
    # As in `zfnet run`: what is half is removed, and what was trained so far is kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_outside_data(out, choices["data"] or "", "--out")
    if (task := read_task()) and task.workers > 1:
        raise ValueError("zfnet compare trains on one machine, but TF_CONFIG names several. Unset it, or use `zfnet run`.")
    config = choose(None, choices)
    names = list(dict.fromkeys(architectures))
    _refuse_same_nets(names)
    config = dataclasses.replace(config, image_size=image_size or _shared_size(names))

    from zfnet.components.data.sources.open_source import open_source
    from zfnet.pipeline.compare_architectures import compare_architectures

    compare_architectures(names, config, lambda: open_source(config.data, out / "tfds"), out, command_line())


def _refuse_same_nets(names: Sequence[str]) -> None:
    from zfnet.model.net.variation import find_architecture

    known: dict[object, str] = {}
    for name in names:
        if (other := known.setdefault(find_architecture(name), name)) != name:
            raise ValueError(f"{other} and {name} are the same network: name it once.")


def _shared_size(names: Sequence[str]) -> int:
    """The size that the first architecture was made for; says which others were made for another."""
    first, *others = sizes = {name: RunConfig(recipe=Recipe(architecture=name)).input_size for name in names}
    for name in others:
        if sizes[name] != sizes[first]:
            click.echo(
                f"{name} was made for images of {sizes[name]} pixels; here it is trained on {sizes[first]}, what {first} was made for. "
                "--image-size takes another.",
                err=True,
            )
    return sizes[first]
