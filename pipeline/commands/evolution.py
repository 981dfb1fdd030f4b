"""`zfnet evolution`: what the maps of a model looked for while it was trained."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from etils import epath

from zfnet.components.data.sources.shard_plan import SPLITS
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.model_argument import ModelArgument, find_model, model_names
from zfnet.pipeline.cli.options import (
    DRAWN_LAYERS,
    image_size_option,
    layers_option,
    maps_option,
    named_maps_option,
    out_option,
    preprocessing_option,
    seed_option,
    unsupported_option,
)
from zfnet.pipeline.cli.output import figure_directory

if TYPE_CHECKING:
    from zfnet.model.deconvnet.deconvnet import Deconvnet

# Zeiler & Fergus 2013, Fig. 4.
MAPS = 6
KEEPING = "`zfnet run --keep-checkpoints`, under a --root of its own, keeps those of all epochs that are drawn."


@click.command(cls=Command, short_help="Draw what the maps of a model looked for while it was trained.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the run, or photo_patches for .keras files",
    help="Photographs to look at, as `zfnet run --data` takes them.",
)
@click.option("--split", type=click.Choice(SPLITS), default="train", show_default=True, help="Which part of them.")
@layers_option(DRAWN_LAYERS, "Layer to draw")
@named_maps_option
@maps_option(MAPS, "all; of twice as many, those that are alive and least alike in the end")
@seed_option("which maps are drawn at random")
@out_option
@preprocessing_option
@image_size_option
@unsupported_option
def command(
    models: tuple[str, ...],
    data: str | None,
    split: str,
    layers: tuple[str, ...],
    named: tuple[str, ...],
    maps: int,
    seed: int,
    out: pathlib.Path,
    preprocessing: str,
    image_size: int | None,
    unsupported: str,
) -> None:
    """Draw, for feature maps of MODEL, their strongest activation over DATA at several moments of the training, projected to pixels.

    Several MODELs are one net in the order of its training: .keras files, or directories that `zfnet run` wrote, for the models that they
    ended with. One MODEL is such a directory, whose checkpoints are drawn, and the model in the end; a run keeps the last two and the best,
    with --keep-checkpoints those of all epochs that its own pictures of the evolution show.

    Writes DIR/evolution_LAYER.png for each layer, a row a map and a column a moment: on the left the strongest activation of that moment
    with its patch, on the right what the map saw, at that moment, of the last patch. DIR/evolution.json has the numbers behind everything
    that is drawn. As in training, the first tenth of the photographs is searched, 600 at least and 50,000 at most. In projections 0 is
    grey; each has a scale of its own.
    """
    found = [find_model(model) for model in models]
    with figure_directory("evolution", out, data) as directory:
        from zfnet.components.data.batches import read_origins
        from zfnet.components.figures.evolution.column import chosen_maps
        from zfnet.components.figures.evolution.draw import draw_evolution, evolution_numbers, write_evolution
        from zfnet.components.figures.evolution.moments import MOST_SEARCHED
        from zfnet.components.figures.evolution.search import check_same_layers, search_evolution
        from zfnet.components.figures.layers import default_layers
        from zfnet.components.figures.units import named_units, unit_count
        from zfnet.components.inputs.image_input import ImageInput

        # Before photographs are prepared; those of a run are the same net again and again.
        moments: Callable[[], Iterable[tuple[str, Deconvnet]]]
        if len(found) == 1:
            first, moments = _of_run(models[0], found[0], preprocessing, unsupported)
        else:
            opened = dict(zip(model_names(models), (each.open_deconvnet(preprocessing, unsupported) for each in found), strict=True))
            first, moments = next(iter(opened.values())), opened.items
        units = named_units(first, named, found[0].labels)
        chosen = tuple(dict.fromkeys((*layers, *units))) or default_layers(first)
        wanted = {layer: units.get(layer) or chosen_maps(unit_count(first, layer), 2 * maps, seed) for layer in chosen}
        if len(found) > 1:
            check_same_layers(dict(moments()), chosen)
        image_input = ImageInput.of(first.model, image_size)
        click.echo(f"{models[0]}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
        examples = directory.examples(next((each for each in found if each.examples), found[0]), data, image_input.side, split)
        columns, same = search_evolution(moments, examples, split, wanted, maps, units)
        if len(columns) < 2:
            raise ValueError(f"{models[0]}: none of its checkpoints can be read. {KEEPING}")
        numbers = evolution_numbers(columns, same, read_origins(examples, split, MOST_SEARCHED).ids)
        numbers |= {"models": list(models), "split": split}
        write_evolution(draw_evolution(columns, same), numbers, directory.drawing)
    for name in (*numbers["pictures"], "evolution.json"):
        click.echo(out / name)


def _of_run(
    model: str, found: ModelArgument, preprocessing: str, unsupported: str
) -> tuple[Deconvnet, Callable[[], Iterable[tuple[str, Deconvnet]]]]:
    """The model that a run ended with, and the moments of its training."""
    if found.root is None:
        raise click.UsageError(
            f"{model} is one moment of a training: give several .keras files in the order of the training, or a directory of `zfnet run`."
        )
    from zfnet.components.artifacts import Model
    from zfnet.components.figures.evolution.moments import evolution_epochs
    from zfnet.components.training.kept_checkpoints import find_checkpoints, moments_of_training

    history = Model(epath.Path(found.file).parent).read_json("history.json")
    kept, drawn = find_checkpoints(found.root, history), evolution_epochs(len(history))
    papers = [checkpoint for checkpoint in kept if checkpoint.epoch in drawn]
    if not kept:
        raise ValueError(f"{model} has no checkpoint of its training before the model. {KEEPING}")
    if missing := sorted(drawn - {checkpoint.epoch for checkpoint in kept} - {len(history)}):
        click.echo(f"{model}: no checkpoint of epoch {', '.join(map(str, missing))} was kept. {KEEPING}", err=True)
    deconvnet = found.open_deconvnet(preprocessing, unsupported)
    # The last two and the best of a run that kept them all are beside the paper's epochs: they would only repeat a column.
    shown = papers if len(papers) > 1 else kept
    told: set[str] = set()

    def passed_over(why: str) -> None:
        if why not in told:
            click.echo(f"{model}: {why}; left out", err=True)
        told.add(why)

    return deconvnet, functools.partial(moments_of_training, deconvnet, shown, len(history), passed_over)
