"""`zfnet match`: which feature map of one network is which of another."""

import click
from etils import epath

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.figure_job import FigureJob, OpenedModel, figure_options
from zfnet.pipeline.cli.options import DRAWN_LAYERS, data_option, layers_option, maps_option, seed_option

MAPS = 9


@click.command(cls=Command, short_help="Find the maps of one network in another, and draw them side by side.")
@click.argument("models", nargs=2, required=True, metavar="MODEL OTHER")
@data_option
@layers_option(f"{DRAWN_LAYERS}; matched by their order", "Layer of MODEL to match")
@click.option(
    "--other-layer",
    "other_layers",
    multiple=True,
    metavar="L",
    show_default="the layer of the same name",
    help="Layer of OTHER to match with; give one for each --layer, in their order.",
)
@click.option(
    "--other-epoch",
    "epoch",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="the end of the training",
    help="OTHER after this epoch of its training. OTHER is the directory of a run with a checkpoint of the epoch; it may be that of MODEL.",
)
@maps_option(MAPS, "from the best match to the worst")
@seed_option("the shuffling of weights, which shows the correlation that chance reaches")
@figure_options("match")
def command(
    job: FigureJob, data: str | None, layers: tuple[str, ...], other_layers: tuple[str, ...], epoch: int | None, maps: int, seed: int
) -> None:
    """Find, for each feature map of MODEL, the map of OTHER that is active in the same places of the same images, and draw both.

    MODEL and OTHER are .keras or .h5 files, directories that `zfnet run` wrote, or nets of Keras such as keras:VGG16: the same network
    with another seed or after another epoch, or another architecture. The images are the validation examples of DATA, for each network at
    its own size.

    Maps are correlated place by place, and matched one to one so that the sum of the correlations is greatest. A map has a match if its
    best correlation is above 0.5, and above the correlation that one map in twenty reaches after the weights of OTHER are shuffled.

    Writes DIR/match_LAYER.png, with maps of MODEL beside their partners, from the best match to the worst; DIR/match.png, the best
    correlation of every map; and DIR/match.json with the partner of every map and all numbers.
    """
    if other_layers and len(other_layers) != len(layers):
        raise click.UsageError(
            f"--other-layer was given {len(other_layers)} times and --layer {len(layers)} times; expected the same number."
        )
    with job.directory(data) as directory:
        from zfnet.components.figures.gallery.compared import layers_by_place
        from zfnet.components.figures.matching.draw import draw_matches
        from zfnet.components.figures.matching.matches import match_layers

        opened = [job.open(place) for place in (0, 1)]
        pairs = list(zip(layers, other_layers or layers, strict=True))
        for model, own in zip(opened, zip(*pairs, strict=True), strict=False):
            for layer in own:
                model.deconvnet.graph.value_of(layer)  # Its error lists the layers there are.
        rows = pairs or [(one, other) for one, other in layers_by_place([each.deconvnet for each in opened])[0]]
        if epoch:
            _load_epoch(opened[1], epoch)
        models = job.on_same_images(opened, directory, data)
        if epoch:
            models[1] = models[1]._replace(name=f"{models[1].name}, epoch {epoch}", about={**models[1].about, "epoch": epoch})
        searches = [model.search for model in models]
        deconvnets, images = [each.deconvnet for each in searches], (searches[0].images, searches[1].images)
        found = match_layers(deconvnets[0], deconvnets[1], images, rows, seed=seed)
        directory.save(draw_matches(models, found, maps))
        for each in found:
            matched, lacking = len(each.maps(True)), len(each.maps(False))
            click.echo(
                f"{' ~ '.join(dict.fromkeys(each.layers))}: {matched} of {matched + lacking} maps have a match "
                f"(correlation above {each.threshold:.2f})"
            )


def _load_epoch(model: OpenedModel, epoch: int) -> None:
    """Loads the weights after an epoch of the training into the model.

    Raises:
        ValueError: there is no checkpoint of this epoch.
    """
    if model.found.root is None:
        raise click.UsageError(f"--other-epoch needs a directory that `zfnet run` wrote; {model.argument} is one state of a training.")
    from zfnet.components.artifacts import Model
    from zfnet.components.training.kept_checkpoints import find_checkpoints

    history = Model(epath.Path(model.found.file).parent).read_json("history.json")
    if epoch == len(history):
        return
    kept = {checkpoint.epoch: checkpoint for checkpoint in find_checkpoints(model.found.root, history)}
    if epoch not in kept:
        known = ", ".join(map(str, [*kept, len(history)]))
        raise ValueError(
            f"{model.argument} has no checkpoint of epoch {epoch}; there are those of {known}. `zfnet run --keep-checkpoints`, with a new "
            "--root, keeps more."
        )
    kept[epoch].load_into(model.deconvnet.model)
