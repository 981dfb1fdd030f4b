"""Options that several commands share."""

import dataclasses
import importlib.util
import pathlib
import typing
from collections.abc import Callable

import click
from etils import epath

from zfnet.components.inputs.preprocessing import PREPROCESSINGS
from zfnet.pipeline.run_config import Recipe, RunConfig, load_config


def _as_root(ctx: click.Context, parameter: click.Parameter, value: str) -> epath.PathLike:
    if "://" in value and not value.startswith("gs://"):
        raise click.BadParameter(f"{value!r}: unknown storage; expected a directory, or gs://bucket/name.")
    if value.startswith("gs://") and importlib.util.find_spec("gcsfs") is None:
        raise click.BadParameter(f"{value!r} needs the extra `gcp`: pip install --editable '.[gcp]'.")
    root = epath.Path(value)
    if "://" not in value and root.exists() and not root.is_dir():
        raise click.BadParameter(f"{value!r} is a file; expected a directory.")
    return root


root_option = click.option(
    "--root",
    callback=_as_root,
    default="zfnet_run",
    show_default=True,
    metavar="DIR",
    help="Directory of the run: a local path, or gs://bucket/name.",
)
metadata_option = click.option(
    "--metadata",
    "metadata_url",
    metavar="URL",
    show_default="ROOT/metadata.sqlite",
    help="URL of the database that records runs: any that SQLAlchemy supports, such as postgresql://user@host/database. Several roots "
    "can share it.",
)
runner_option = click.option(
    "--runner",
    default="FnApiRunner",
    show_default=True,
    metavar="NAME",
    help="Beam runner that prepares and checks the images. FnApiRunner runs in this process, with one thread per core.",
)
model_argument = click.argument("model")
preprocessing_option = click.option(
    "--preprocessing",
    type=click.Choice(list(PREPROCESSINGS)),
    show_default="raw; a named net has its own",
    help="Pixel values that the model expects: RGB 0..255 (raw), 0..1 (unit), -1..1 (tf), BGR minus ImageNet's mean (caffe), or RGB "
    "standardised by ImageNet's mean and deviation (torch). Models of `zfnet run` expect raw. A model with one channel gets the mean of "
    "red, green and blue.",
)
custom_objects_option = click.option(
    "--custom-objects",
    multiple=True,
    metavar="MODULE:NAME",
    help="Layer or function of your own that the model needs, such as my_layers:Attention for class Attention in ./my_layers.py. The "
    "module is imported, which runs its code. May be repeated.",
)
unsupported_option = click.option(
    "--unsupported",
    type=click.Choice(["error", "literature", "gradient"]),
    default="error",
    show_default=True,
    help="Treatment of layers without a deconvnet rule, such as swish or attention: fail with an error; use the rule that later papers "
    "give them (swish, gelu, layer and group normalisation, squeeze and excitation); or use their gradient.",
)
image_size_option = click.option(
    "--image-size",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="the model's size; 224 if it accepts any",
    help="Side of the images, in pixels, for a model that accepts any size.",
)
data_option = click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the run; without a run, photo_patches",
    help="Images to analyse, in any form that `zfnet run --data` accepts. The validation split is used; a folder with only "
    "CLASS/* is split 80 % to 20 %.",
)
out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    required=True,
    metavar="DIR",
    help="Output directory, created if missing. Earlier files of the same command are replaced; other files stay.",
)
one_layer_option = click.option(
    "--layer",
    metavar="L",
    help="Layer to project from, by its name in the model. Without --layer, the error message lists the names.  [required]",
)
unit_option = click.option(
    "--unit",
    type=click.IntRange(min=0),
    metavar="U",
    show_default="the most active one in each image",
    help="Number of the feature map or dense unit in the layer, from 0.",
)


def _png(ctx: click.Context, parameter: click.Parameter, path: pathlib.Path) -> pathlib.Path:
    if path.suffix.lower() != ".png":
        raise click.BadParameter(f"{path} does not end in .png; expected a PNG file.")
    return path


png_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    required=True,
    callback=_png,
    metavar="FILE",
    help="Output file, .png; its directory is created if missing.",
)


def _begins_with_an_option(ctx: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    if words and not words[0].startswith("-"):
        raise click.UsageError(f"Unexpected argument {words[0]!r}. Options of Beam follow `--`.", ctx)
    return words


beam_options_argument = click.argument(
    "beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM OPTIONS]", callback=_begins_with_an_option
)
# The layers of galleries and evolutions if none is named.
DRAWN_LAYERS = "the ReLUs of all Conv2D layers, or of five evenly spread ones if there are more than ten"
named_maps_option = click.option(
    "--map",
    "named",
    multiple=True,
    metavar="LAYER/NUMBER",
    help="Draw this map, such as conv3/17, instead of random ones. A class may also be given by its name: predictions/coffee. May be "
    "repeated.",
)


def choice_options(*names: str) -> Callable:
    """Options made from the fields of `RunConfig` and its `Recipe`; one that is not given is None, and the configuration decides.

    `names` are the fields, in the order of `--help`; without names, all that are options.
    """
    first, *others = dataclasses.fields(RunConfig)
    choices = {field.name: field for field in (first, *dataclasses.fields(Recipe), *others) if field.metadata.get("option")}

    def decorate(command: Callable) -> Callable:
        for name in reversed(names or list(choices)):
            command = _choice_option(choices[name])(command)
        return command

    return decorate


def _choice_option(field: dataclasses.Field) -> Callable:
    name, types = f"--{field.name.replace('_', '-')}", typing.get_args(field.type) or (field.type,)
    metadata, shown = field.metadata, {"help": field.metadata["help"], "default": None}
    if bool in types and field.default is None:
        return click.option(f"{name}/--no-{name[2:]}", show_default=metadata["unset"], **shown)
    if bool in types and field.default:
        return click.option(f"--no-{name[2:]}", field.name, is_flag=True, flag_value=False, **shown)
    if bool in types:
        return click.option(name, is_flag=True, **shown)
    kind: click.ParamType | None = click.Choice(metadata["among"]) if metadata["among"] else None
    if int in types or float in types:
        kind = (click.IntRange if int in types else click.FloatRange)(metadata["least"], metadata["most"])
    metavar = None if metadata["among"] else ("SHARE" if metadata["most"] == 1 else "N") if kind else field.name.upper()
    return click.option(name, type=kind, metavar=metadata["metavar"] or metavar, show_default=_usual(field), **shown)


def _usual(field: dataclasses.Field) -> str:
    """The default as `--help` shows it: that of photo_patches, and that of other data."""
    config = load_config("photo_patches")
    value, unset = getattr(config if hasattr(config, field.name) else config.recipe, field.name), field.metadata["unset"]
    if value is None:
        return unset
    if unset:
        return f"{value}; with --data {unset}"
    return str(value) if field.default in (value, "") else f"{value} for photo_patches, else {field.default}"


check_option = click.option(
    "--check",
    is_flag=True,
    help="Also measure whether to believe each projection: how far the activation falls if the tenth of pixels that the projection marks "
    "is hidden, or as many others; and how alike projections are if the weights of layers are shuffled. Drawn as bars, red "
    "where the marks are not to be believed. It takes longer.",
)


def layers_option(usual: str, purpose: str) -> Callable:
    """The option --layer; `usual` are the layers if none is named, and `purpose` is its use, in words."""
    return click.option(
        "--layer",
        "layers",
        multiple=True,
        metavar="L",
        show_default=usual,
        help=f"{purpose}, by its name in the model. May be repeated.",
    )


def seed_option(purpose: str) -> Callable:
    """The option --seed of a figure; `purpose` are its random choices, in words."""
    return click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help=f"Seed of {purpose}.")


def maps_option(default: int, which: str) -> Callable:
    """The option --maps; `which` describes the choice of maps, in words."""
    return click.option(
        "--maps",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="N",
        help=f"Number of feature maps (or dense units) per layer, {which}.",
    )
