"""`zfnet gallery`: what the units of a model look for."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from zfnet.pipeline.command import Command
from zfnet.pipeline.compared_gallery import compare_galleries
from zfnet.pipeline.drawn_directory import DrawnDirectory, drawn_directory
from zfnet.pipeline.model_argument import ModelArgument, find_model
from zfnet.pipeline.options import (
    data_option,
    image_size_option,
    layers_option,
    out_option,
    preprocessing_option,
    seed_option,
    unsupported_option,
)
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.unit_options import DRAWN_LAYERS, maps_option, named_maps_option

if TYPE_CHECKING:
    from zfnet.model.deconvnet.deconvnet import Deconvnet


@click.command(cls=Command, short_help="Draw what the units of a model answer to most.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@data_option
@layers_option(DRAWN_LAYERS, "Layer to draw")
@named_maps_option
@maps_option(RunConfig.maps_per_layer, "those that are ever positive")
@seed_option("which maps are drawn at random")
@out_option
@preprocessing_option
@image_size_option
@unsupported_option
def command(
    models: tuple[str, ...],
    data: str | None,
    layers: tuple[str, ...],
    named: tuple[str, ...],
    maps: int,
    seed: int,
    out: pathlib.Path,
    preprocessing: str,
    image_size: int | None,
    unsupported: str,
) -> None:
    """Draw, for feature maps of MODEL, their nine strongest activations over DATA: projections beside the patches of the photographs.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Writes DIR/gallery_LAYER.png for each layer, and DIR/gallery.json with
    the numbers behind everything that is drawn. The same --seed draws the same maps. In projections 0 is grey; each has a scale
    of its own, which the strongest 0.2 % of its values exceed.

    Several MODELs are drawn side by side over the same photographs, each at its own image size, such as ZFNet beside AlexNet. Their layers
    are matched by their place, the first beside the first, or by the names that --layer and --map give. A picture has the name of the first
    model's layer.
    """
    found = [find_model(model) for model in models]
    with drawn_directory("gallery", out, data, pictures=_pictures) as directory:
        from zfnet.components.figures.named_units import never_positive

        opened = [each.open_deconvnet(preprocessing, unsupported) for each in found]
        choices: dict[str, Any] = {
            "layers": layers,
            "named": named,
            "maps": maps,
            "seed": seed,
            "image_size": image_size,
            "preprocessing": preprocessing,
        }
        if len(models) > 1:
            units = compare_galleries(models, found, opened, directory, data, **choices)
            numbers = json.loads((directory.drawing / "gallery.json").read_text())
            layers_of = [each["layers"] for each in numbers["models"]]
        else:
            units = [_draw_one(models[0], found[0], opened[0], directory, data, **choices)]
            layers_of = [numbers := json.loads((directory.drawing / "gallery.json").read_text())]
        dead = [
            f"{model}: {name} is never positive, not drawn"
            for model, *each in zip(models, units, layers_of, strict=True)
            for name in never_positive(*each)
        ]
    for line in dead:
        click.echo(line)
    for name in _pictures(numbers):
        click.echo(out / name)
    if len(models) == 1:
        for layer, each in numbers.items():
            if not each["maps"] and layer not in units[0]:
                click.echo(f"{layer}: no unit is ever positive, nothing to draw")
    click.echo(out / "gallery.json")


def _draw_one(
    model: str,
    found: ModelArgument,
    deconvnet: Deconvnet,
    directory: DrawnDirectory,
    data: str | None,
    *,
    layers: tuple[str, ...],
    named: tuple[str, ...],
    maps: int,
    seed: int,
    image_size: int | None,
    preprocessing: str,
) -> dict[str, list[int]]:
    """Draws the galleries of one model; returns the units that were named."""
    from zfnet.components.figures.default_layers import default_layers
    from zfnet.components.figures.example_search import ExampleSearch
    from zfnet.components.figures.gallery import draw_galleries
    from zfnet.components.figures.named_units import named_units
    from zfnet.components.pictures.image_input import ImageInput

    units = named_units(deconvnet, named, found.labels)
    for layer in layers:
        deconvnet.graph.value_of(layer)
    chosen = tuple(dict.fromkeys((*layers, *units))) or default_layers(deconvnet)
    image_input = ImageInput.of(deconvnet.model, image_size)
    click.echo(f"{model}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
    examples = directory.examples(found, data, image_input.side)
    search = ExampleSearch(deconvnet, examples)
    draw_galleries(search, chosen, directory.drawing, maps=maps, seed=seed, named=units, labels=found.labels)
    return units


def _pictures(numbers: dict[str, Any]) -> Iterable[str]:
    """Names of the pictures: of several models they are listed; of one its layers are the keys, some of them without a picture."""
    from zfnet.components.figures.picture_name import picture_name

    listed = numbers.get("pictures")
    return listed if isinstance(listed, list) else [picture_name("gallery", layer) for layer, each in numbers.items() if each["maps"]]
