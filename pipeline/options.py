"""Options that several commands have in common."""

import importlib.util
import pathlib
import re
import shlex
import sys
from collections.abc import Callable

import click
from etils import epath

from zfnet.components.pictures.preprocessing import PREPROCESSINGS


def _as_root(ctx: click.Context, parameter: click.Parameter, value: str) -> epath.PathLike:
    if "://" in value and not value.startswith("gs://"):
        raise click.BadParameter(f"{value!r} is in no storage that is known; expected a directory, or gs://bucket/name.")
    if value.startswith("gs://") and importlib.util.find_spec("gcsfs") is None:
        raise click.BadParameter(f"{value!r} takes the extra `gcp`: pip install --editable '.[gcp]'.")
    root = epath.Path(value)
    if "://" not in value and root.exists() and not root.is_dir():
        raise click.BadParameter(f"Directory {value!r} is a file.")
    return root


root_option = click.option(
    "--root",
    callback=_as_root,
    default="zfnet_run",
    show_default=True,
    metavar="DIR",
    help="Directory for everything that a run makes, on this machine or as gs://bucket/name.",
)

metadata_option = click.option(
    "--metadata",
    "metadata_url",
    metavar="URL",
    show_default="ROOT/metadata.sqlite",
    help="Database in which runs are recorded, which several roots may share: postgresql://user@host/database, or another that SQLAlchemy "
    "knows.",
)

runner_option = click.option(
    "--runner",
    default="FnApiRunner",
    show_default=True,
    metavar="NAME",
    help="Beam runner for the steps that go over all photographs; FnApiRunner works in this process.",
)

model_argument = click.argument("model")

preprocessing_option = click.option(
    "--preprocessing",
    type=click.Choice(list(PREPROCESSINGS)),
    default="raw",
    show_default=True,
    help="What the model takes instead of RGB values 0..255 (raw): 0..1 (unit), -1..1 (tf), BGR less ImageNet's mean (caffe), or mean 0 "
    "and deviation 1 over ImageNet (torch). Models that `zfnet run` made take raw; one of a single channel gets the mean of the three.",
)

unsupported_option = click.option(
    "--unsupported",
    type=click.Choice(["error", "gradient"]),
    default="error",
    show_default=True,
    help="What becomes of layers that a deconvnet is not defined for, such as swish or attention: an error, or their plain gradient.",
)

image_size_option = click.option(
    "--image-size",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="the model's, or 224",
    help="Side of the images, in pixels, for a model that takes any size.",
)


data_option = click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the run, or photo_patches for a .keras file",
    help="Photographs to look at, as `zfnet run --data` takes them: their validation split; of a folder of CLASS/* alone, a fifth.",
)

out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    required=True,
    metavar="DIR",
    help="Directory to write, made if missing. What the same command wrote there before is replaced; other files stay.",
)


def layers_option(usual: str, purpose: str) -> Callable:
    """The option --layer.

    Args:
        usual: which layers are taken if none is named, in words.
        purpose: what a layer is named for, in words.
    """
    return click.option(
        "--layer",
        "layers",
        multiple=True,
        metavar="L",
        show_default=usual,
        help=f"{purpose}, by its name in the model; several times for several layers.",
    )


def seed_option(decides: str) -> Callable:
    """The option --seed.

    Args:
        decides: what it decides, in words.
    """
    return click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help=f"Decides {decides}.")


def _begins_with_an_option(ctx: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    if words and not words[0].startswith("-"):
        raise click.UsageError(f"Got unexpected argument {words[0]!r}. Only options of Beam may follow, after --", ctx)
    return words


beam_options_argument = click.argument(
    "beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM OPTIONS]", callback=_begins_with_an_option
)


def command_line() -> str:
    """The command line of this process, as it is recorded: without the passwords that URLs hold."""
    return re.sub(r"(\w://[^\s:/@]*:)[^\s@]*@", r"\1***@", shlex.join(["zfnet", *sys.argv[1:]]))
