"""`zfnet gallery`: what the units of a model look for."""

import contextlib
import json
import pathlib
import shutil

import click

from zfnet.pipeline.command import Command
from zfnet.pipeline.model_argument import find_model
from zfnet.pipeline.options import command_line, image_size_option, model_argument, preprocessing_option, unsupported_option
from zfnet.pipeline.outside_data import refuse_inside_data
from zfnet.pipeline.prepare_photographs import prepare_photographs
from zfnet.pipeline.progress import progress
from zfnet.pipeline.root_lock import root_lock
from zfnet.pipeline.run_config import RunConfig

NUMBERS = "gallery.json"


@click.command(cls=Command, short_help="Draw what the units of a model answer to most.")
@model_argument
@click.option(
    "--data",
    metavar="DATA",
    show_default="the validation examples of the run, or photo_patches for a .keras file",
    help="Photographs to search, as `zfnet run --data` takes them: their validation split; of a folder of CLASS/* alone, a fifth.",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="L",
    show_default="all Conv2D layers, or five of them, evenly spread, where there are more than ten",
    help="Layer to draw, by its name in the model; several times for several layers.",
)
@click.option(
    "--maps",
    type=click.IntRange(min=1),
    default=RunConfig.maps_per_layer,
    show_default=True,
    metavar="N",
    help="Feature maps (or dense units) of each layer, drawn at random from those that are ever positive.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    required=True,
    metavar="DIR",
    help="Directory to write, made if missing. A gallery that is there is replaced; other files stay.",
)
@preprocessing_option
@image_size_option
@unsupported_option
def command(
    model: str,
    data: str | None,
    layers: tuple[str, ...],
    maps: int,
    out: pathlib.Path,
    preprocessing: str,
    image_size: int | None,
    unsupported: str,
) -> None:
    """Draw, for feature maps of MODEL, their nine strongest activations over DATA: projections beside the patches of the photographs.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Writes DIR/gallery_LAYER.png for each layer, and DIR/gallery.json with
    the numbers behind everything that is drawn. Which maps are drawn is the same every time. In projections 0 is grey; each has a scale
    of its own, which the strongest 0.2 % of its values exceed.
    """
    found = find_model(model)
    if data is not None:
        refuse_inside_data(out, data, "--out")
    target = out.resolve()  # `.` has no name to write beside.
    beside = target.with_name(f".{target.name}.partial")
    with root_lock(beside, command_line(), option="--out"):
        drawing, downloads = beside / "gallery", beside / "tfds"
        try:
            shutil.rmtree(drawing, ignore_errors=True)  # Of one that was killed.
            drawing.mkdir()

            from zfnet.components.data.local_copy import local_copy
            from zfnet.components.pictures.default_layers import default_layers
            from zfnet.components.pictures.gallery import draw_galleries
            from zfnet.components.pictures.image_input import ImageInput

            deconvnet = found.open_deconvnet(preprocessing, unsupported)
            for layer in layers:
                deconvnet.graph.value_of(layer)
            layers = tuple(dict.fromkeys(layers)) or default_layers(deconvnet)
            image_input = ImageInput.of(deconvnet.model, image_size)
            click.echo(f"{model}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
            if data is None and found.examples is not None:
                examples = local_copy(found.examples)
            else:
                data = "photo_patches" if data is None else data
                examples = prepare_photographs(data, beside / "examples", downloads, image_input.side, "validation")
            pictures = draw_galleries(
                deconvnet, examples, layers, drawing, maps=maps, seed=RunConfig.seed, labels=found.labels, progress=progress
            )
            _replace(drawing, target)
            shutil.rmtree(downloads, ignore_errors=True)
        finally:
            for directory in (drawing, beside / "examples"):
                shutil.rmtree(directory, ignore_errors=True)
            if not downloads.exists():  # What was downloaded before it failed is kept: the same command goes on with it.
                shutil.rmtree(beside)
    for layer in layers:
        click.echo(out / _picture_name(layer) if layer in pictures else f"{layer}: no unit is ever positive, nothing to draw")
    click.echo(out / NUMBERS)


def _replace(drawing: pathlib.Path, target: pathlib.Path) -> None:
    """Moves a gallery into `target`, in place of the one that is there; the numbers last."""
    target.mkdir(exist_ok=True)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        for layer in json.loads((target / NUMBERS).read_text()):
            (target / _picture_name(layer)).unlink(missing_ok=True)
    for file in sorted(drawing.iterdir(), key=lambda file: file.name == NUMBERS):
        file.replace(target / file.name)


def _picture_name(layer: str) -> str:
    from zfnet.components.pictures.gallery import picture_name

    return picture_name(layer)
