"""`zfnet invariance`: what moving, enlarging and turning an image does to a model's features and answer."""

from __future__ import annotations

import itertools
import json
import pathlib
import statistics
from collections.abc import Iterator
from typing import Any

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.model_argument import find_model
from zfnet.pipeline.cli.options import (
    data_option,
    image_size_option,
    layers_option,
    model_argument,
    out_option,
    preprocessing_option,
    seed_option,
)
from zfnet.pipeline.cli.output import figure_directory

EXAMPLES = 5  # Zeiler & Fergus 2013, Fig. 5.
SPLIT = "validation"


@click.command(cls=Command, short_help="Measure how features change when images are moved, enlarged and turned.")
@model_argument
@click.argument("images", nargs=-1, metavar="[IMAGE ...]")
@data_option
@layers_option("the first convolution, and what the last dense layer takes", "Layer whose features are compared")
@click.option(
    "--label",
    "names",
    multiple=True,
    metavar="NAME",
    show_default="the class predicted for the untransformed image",
    help="Class of an IMAGE, by its name, or by its number from 0: once for all of them, or once for each, in their order.",
)
@seed_option("which examples are taken without IMAGE")
@out_option
@preprocessing_option
@image_size_option
def command(
    model: str,
    images: tuple[str, ...],
    data: str | None,
    layers: tuple[str, ...],
    names: tuple[str, ...],
    seed: int,
    out: pathlib.Path,
    preprocessing: str,
    image_size: int | None,
) -> None:
    """Translate, scale and rotate images, and measure how far the features of MODEL move, and what becomes of P(class).

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Without IMAGE, five examples of five classes are taken from DATA.

    Draws the paper's Fig. 5: translation up and down (60 pixels of 224 each way, and in proportion), scale (1 to 1.8) and rotation (0 to
    350 degrees). What comes in at the borders is the photograph as far as it goes, then its border pixels repeated. Writes
    DIR/invariance.png, and DIR/invariance.json with every number drawn. The table shows means over all images and steps, of distances
    divided by the mean distance between the untransformed images.
    """
    if names and not images:
        raise click.UsageError("--label names the class of an IMAGE, and there is none; of DATA the classes are known.")
    if len(names) > 1 and len(names) != len(images):
        raise click.UsageError(f"--label was given {len(names)} times for {len(images)} images; expected once, or once for each.")
    if images and data:
        raise click.UsageError("Give either IMAGE or --data, which examples are taken from where there is no IMAGE.")
    found = find_model(model)
    with figure_directory("invariance", out, data) as directory:
        from zfnet.components.figures.invariance import draw_invariance
        from zfnet.components.figures.layers import chosen_layers
        from zfnet.components.figures.subjects import subjects_of_examples, subjects_of_files
        from zfnet.components.inputs.image_input import ImageInput
        from zfnet.model.measures.outputs import class_layer

        deconvnet = found.open_deconvnet(preprocessing, "gradient")
        layers = chosen_layers(deconvnet, layers, "first", "hidden")
        image_input = ImageInput.of(deconvnet.model, image_size)
        last = class_layer(deconvnet)
        outputs = deconvnet.graph.unit_count(last) if last else 0
        labels = found.labels if len(found.labels) == outputs else []
        click.echo(f"{model}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
        if images:
            subjects = subjects_of_files(images, image_input, labels, outputs, names)
        else:
            examples = directory.examples(found, data, image_input.side)
            subjects = subjects_of_examples(examples, SPLIT, EXAMPLES, seed, image_input, labels, outputs)
        draw_invariance(deconvnet, subjects, layers, directory.drawing, image_size=image_size)
        numbers = json.loads((directory.drawing / "invariance.json").read_text())
        for image in numbers["images"]:
            click.echo(
                "  ".join([image["image"], *([f"{image['class']} ({image['class_is']}), P {image['probability']:.3f}"] if outputs else [])])
            )
        for line in _table(numbers):
            click.echo(line)
    click.echo(out / "invariance.png")
    click.echo(out / "invariance.json")


def _table(numbers: dict[str, Any]) -> Iterator[str]:
    """Means over images and steps: what the curves come to."""
    layers = numbers["distance_between_images"]
    has_classes = "class" in numbers["images"][0]
    relative = all(layers.values())
    yield f"mean over images and steps, distances {'divided by that between the images' if relative else 'as they are'}:"
    columns = [*layers, *(["P"] if has_classes else [])]
    yield " " * 12 + "".join(heading.rjust(max(12, len(heading) + 4)) for heading in columns)
    for name, found in numbers["transformations"].items():
        distances = found["relative_distances" if relative else "distances"]
        means = [statistics.fmean(itertools.chain(*distances[layer])) for layer in layers]
        if has_classes:
            means.append(statistics.fmean(itertools.chain(*found["probabilities"])))
        yield name.ljust(12) + "".join(f"{mean:{max(12, len(heading) + 4)}.3f}" for mean, heading in zip(means, columns, strict=True))
