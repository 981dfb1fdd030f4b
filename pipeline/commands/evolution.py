"""`zfnet evolution`: the development of a model's features during training."""

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from etils import epath

from zfnet.components.data.sources.shard_plan import SPLITS
from zfnet.pipeline.cli.arguments import model_names
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, OpenedModel, figure_options
from zfnet.pipeline.cli.options import DRAWN_LAYERS, layers_option, maps_option, named_maps_option, seed_option

if TYPE_CHECKING:
    from zfnet.model.deconvnet.deconvnet import Deconvnet

# Zeiler & Fergus 2013, Fig. 4.
MAPS = 6
KEEPING = "`zfnet run --keep-checkpoints`, with a new --root, keeps the checkpoints of all epochs that are drawn."


@click.command(cls=Command, short_help="Draw how feature maps develop during training.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the run; without a run, photo_patches",
    help="Images to analyse, in any form that `zfnet run --data` accepts.",
)
@click.option("--split", type=click.Choice(SPLITS), default="train", show_default=True, help="Data split.")
@layers_option(DRAWN_LAYERS, "Layer to draw")
@named_maps_option
@maps_option(MAPS, "chosen from twice as many random ones: those that are active and differ most at the end of the training")
@seed_option("the random choice of maps")
@figure_options("evolution")
def command(job: FigureJob, data: str | None, split: str, layers: tuple[str, ...], named: tuple[str, ...], maps: int, seed: int) -> None:
    """Draw the strongest activation of feature maps over DATA, projected to pixels, after several epochs of the training.

    One MODEL is a directory that `zfnet run` wrote; its checkpoints and its final model are drawn. A run keeps its last two checkpoints and
    the best; with `zfnet run --keep-checkpoints`, also those of epochs 1, 2, 5, 10, 20, 30, 40 and 64 (of every epoch if there are fewer
    than ten). Several MODELs are states of one network in the order of training: model files, or directories of runs (their final models).

    Writes DIR/evolution_LAYER.png for each layer, with a row per map and a column per epoch. On the left is the map's strongest activation
    after the epoch, projected, with its patch. On the right the patch stays that of the last epoch: the map's activation at the same
    place is projected after each epoch. Below the number of a map is when its feature was first found: the first of the drawn epochs after
    which any map correlates with it, over 600 images, more than chance explains (see `zfnet match`). DIR/evolution.json has all numbers.

    The command searches the first tenth of the images, at least 600 and at most 50,000. In projections grey is 0. Each projection has its
    own scale.
    """
    with job.directory(data) as directory:
        from zfnet.components.data.batches import read_origins
        from zfnet.components.figures.evolution.column import FEWEST_SEARCHED, MOST_SEARCHED, chosen_maps
        from zfnet.components.figures.evolution.draw import check_same_layers, draw_evolution, search_evolution
        from zfnet.components.figures.evolution.first_found import same_features
        from zfnet.components.figures.images import ImageSet
        from zfnet.components.figures.layers import default_layers
        from zfnet.components.figures.units import named_units

        first = job.open()
        moments = _of_run(first) if len(job.models) == 1 else _of_models(job, first)
        units = named_units(first.deconvnet, named, first.found.labels)
        chosen = tuple(dict.fromkeys((*layers, *units))) or default_layers(first.deconvnet)
        wanted = {layer: units.get(layer) or chosen_maps(first.deconvnet.graph.unit_count(layer), 2 * maps, seed) for layer in chosen}
        if len(job.models) > 1:
            check_same_layers(dict(moments()), chosen)
        first.announce()
        of_run = next((each for each in job.found if each.examples), job.found[0])
        examples = directory.examples(of_run, data, first.image_input.side, split)
        columns, same = search_evolution(moments, examples, split, wanted, maps, units)
        if len(columns) < 2:
            raise ValueError(f"{first.argument}: none of its checkpoints can be read. {KEEPING}")
        last = list(columns.values())[-1]
        # Another model in memory than the one whose weights change.
        end = job.open().deconvnet if len(job.models) == 1 else list(dict(moments()).values())[-1]
        images = ImageSet.of_examples(end.model, examples, split, FEWEST_SEARCHED)
        features = same_features(moments, end, images, {layer: each.maps for layer, each in last.items()})
        figure = draw_evolution(columns, same, read_origins(examples, split, MOST_SEARCHED).ids, features)
        figure.numbers.update(models=list(job.models), split=split)
        directory.save(figure)


def _of_models(job: FigureJob, first: OpenedModel) -> "Callable[[], Iterable[tuple[str, Deconvnet]]]":
    """The models as moments, by their names."""
    others = (job.open(place).deconvnet for place in range(1, len(job.models)))
    return dict(zip(model_names(job.models), (first.deconvnet, *others), strict=True)).items


def _of_run(model: OpenedModel) -> "Callable[[], Iterable[tuple[str, Deconvnet]]]":
    """The moments of a run's training, all of one net whose weights change."""
    name, found = model.argument, model.found
    if found.root is None:
        raise click.UsageError(
            f"{name} is one state of a training: give several model files in the order of training, or a directory that `zfnet run` wrote."
        )
    from zfnet.components.artifacts import Model
    from zfnet.components.figures.evolution.column import evolution_epochs
    from zfnet.components.training.kept_checkpoints import find_checkpoints, moments_of_training

    history = Model(epath.Path(found.file).parent).read_json("history.json")
    kept, drawn = find_checkpoints(found.root, history), evolution_epochs(len(history))
    papers = [checkpoint for checkpoint in kept if checkpoint.epoch in drawn]
    if not kept:
        raise ValueError(f"{name} has no checkpoint from before the end of its training. {KEEPING}")
    if missing := sorted(drawn - {checkpoint.epoch for checkpoint in kept} - {len(history)}):
        click.echo(f"{name}: no checkpoint of epoch {', '.join(map(str, missing))} was kept. {KEEPING}", err=True)
    # A run that kept the paper's epochs also has the last two and the best, which would only repeat a column.
    shown = papers if len(papers) > 1 else kept
    warned: set[str] = set()

    def skip(why: str) -> None:
        if why not in warned:
            click.echo(f"{name}: {why}; skipped", err=True)
        warned.add(why)

    return functools.partial(moments_of_training, model.deconvnet, shown, len(history), skip)
