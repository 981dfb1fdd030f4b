"""`zfnet compare`: architectures trained with one recipe, as in the paper's Table 3."""

import gc
import pathlib
import shutil
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import click
from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.figures.comparison.table import ComparedNet, table_cells
from zfnet.components.training.cluster_task import read_task
from zfnet.components.training_error import measure_training_error
from zfnet.model.net.variation import find_architecture
from zfnet.pipeline.cli.command import Command, command_line
from zfnet.pipeline.cli.options import choice_options
from zfnet.pipeline.cli.output import check_outside_data, replace_drawing
from zfnet.pipeline.messages import aligned_table, error_message
from zfnet.pipeline.orchestration.step import Step
from zfnet.pipeline.run_config import Recipe, RunConfig, choose

if TYPE_CHECKING:
    from zfnet.components.pictures.figure import Figure
    from zfnet.pipeline.orchestration.local_runner import LocalRunner

LONGEST = 50  # Characters of DATA in a title.
RECIPE = ("epochs", "batch_size", "patience", "seed", "crops", "augmentation")


@click.command(cls=Command, short_help="Train several architectures with one recipe and compare their errors.")
@click.argument("architectures", nargs=-1, required=True, metavar="ARCHITECTURE [ARCHITECTURE ...]")
@choice_options("data", "epochs", "batch_size", "seed", "augmentation")
@click.option(
    "--image-size",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="the input size of the first architecture",
    help="Side of the input of all networks, in pixels.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    required=True,
    metavar="DIR",
    help="Output directory, created if missing. If it exists, only missing models are trained.",
)
@click.option(
    "--features",
    is_flag=True,
    help="Also draw the feature maps of the first ARCHITECTURE that have no match in each other one, and the reverse; see `zfnet match`.",
)
def command(architectures: tuple[str, ...], image_size: int | None, out: pathlib.Path, features: bool, **choices: Any) -> None:
    """Train every ARCHITECTURE with the same settings on the same examples, and compare training and validation errors.

    An ARCHITECTURE is zfnet, alexnet, zfnet-small, alexnet-small or another row of the paper's Table 3 (an unknown name prints the list),
    or a variation: a name, a colon, and changes separated by commas, such as
    zfnet:conv1.kernel=11,conv3.filters=512,fc6.units=256,without=conv4. These can be changed: filters, kernel, stride, padding, pool and
    normalize of conv1 to conv5; units of fc6 and fc7; dropout, rms_radius, first_stddev and deep_stddev; and for training learning_rate,
    schedule (plateau or cosine) and weight_decay. rms_radius is the root mean square at which filters are clipped; first_stddev and
    deep_stddev are the standard deviations of the initial weights of conv1 and of the layers above.

    Writes all numbers to DIR/compare.json, and the same table as compare.csv, compare.md and compare.png. `zfnet tensorboard --root DIR`
    shows the curves of every training, and hyperparameters with errors under HParams. `zfnet runs --root DIR` lists the inputs and outputs
    of all steps. The models are also in DIR; compare.json has their paths.

    With --features, DIR/compare_features_LAYER.png has maps of each network that have no match in the other, those that are least
    alike first; compare.json has the matches of all maps.

    If an architecture cannot be trained, the command trains the others, reports the failed one and exits with 1.
    """
    # As in `zfnet run`: partial outputs are removed, and trained models are kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_outside_data(out, choices["data"] or "", "--out")
    if (task := read_task()) and task.workers > 1:
        raise ValueError("zfnet compare trains on one machine, but TF_CONFIG names several. Unset it, or use `zfnet run`.")
    config = choose(None, choices)
    names = list(dict.fromkeys(architectures))
    _check_different(names)
    config = config.with_choices(image_size=image_size or _shared_size(names))
    _compare(names, config, out, features)


def _check_different(names: Sequence[str]) -> None:
    known: dict[object, str] = {}
    for name in names:
        if (other := known.setdefault(find_architecture(name), name)) != name:
            raise ValueError(f"{other} and {name} are the same network: name it once.")


def _shared_size(names: Sequence[str]) -> int:
    """The input size of the first architecture; prints the names of those made for another size."""
    first, *others = sizes = {name: RunConfig(recipe=Recipe(architecture=name)).input_size for name in names}
    for name in others:
        if sizes[name] != sizes[first]:
            click.echo(
                f"{name} was made for images of {sizes[name]} pixels; here it is trained on {sizes[first]} pixels, the size of {first}. "
                "Choose another size with --image-size.",
                err=True,
            )
    return sizes[first]


def _compare(architectures: Sequence[str], config: RunConfig, root: pathlib.Path, features: bool) -> None:
    """Trains each architecture by the steps of `zfnet run`, draws the table after each of them, and prints it in the end.

    With `features`, maps without a match in another network are drawn at the end.
    """
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.pipeline.orchestration.local_runner import LocalRunner
    from zfnet.pipeline.zfnet_pipeline import data_steps

    nets: list[ComparedNet] = []
    with LocalRunner(root, command_line(), option="--out") as runner:
        data = data_steps(config, open_source(config.data, root / "tfds"), "FnApiRunner", {"ExampleGen": (), "StatisticsGen": ()})
        runner.run(data)
        examples = cast("Examples", runner.results["ExampleGen"].outputs["examples"])
        for number, architecture in enumerate(architectures, start=1):
            click.echo(f"\n{click.style(architecture, bold=True)} ({number} of {len(architectures)})")
            net = _train(runner, config.with_choices(architecture=architecture), data, examples, root)
            if net.failed:
                click.echo(f"failed: {net.message}", err=True)
            nets.append(net)
            _draw(nets, len(architectures), config, examples, root)
            gc.collect()
        if features and sum(not net.failed for net in nets) > 1:
            _draw(nets, len(architectures), config, examples, root, _features_alone(nets, examples, config, root))
        click.echo("\n" + "\n".join(aligned_table(table_cells(nets, len(examples.labels)))))
        click.echo("\n" + "\n".join(str(root / name) for name in ("compare.png", "compare.json") if (root / name).exists()))
        if failed := [net for net in nets if net.failed]:
            raise ValueError(f"{len(failed)} of {len(nets)} could not be trained. {failed[0].architecture}: {failed[0].message}")


def _train(runner: "LocalRunner", config: RunConfig, data: Sequence[Step], examples: Examples, root: pathlib.Path) -> ComparedNet:
    from zfnet.components.figures.comparison.hyperparameters import training_hyperparameters, write_table, write_training
    from zfnet.model.net.build import build
    from zfnet.pipeline.zfnet_pipeline import training_log, training_steps

    example_gen, statistics_gen = data
    trainer, evaluator = training_steps(config, epath.Path(root), example_gen.output("examples"), statistics_gen.output("statistics"))
    training_error = Step(
        "TrainingError",
        measure_training_error,
        {"examples": example_gen.output("examples"), "model": trainer.output("model")},
    )
    parameters = None
    try:
        size = examples.image_size
        parameters = build(config.recipe.architecture, (size, size, 3), len(examples.labels)).count_params()
        results = runner.run([trainer, evaluator, training_error])
    except OSError:  # The disk is full, or the like: that is not the architecture's fault.
        raise
    except Exception as error:
        return ComparedNet(config.recipe.architecture, parameters, message=error_message(error).replace(f"{root}/", ""))
    model = results["Trainer"].outputs["model"]
    trained, validated = (
        results[step].outputs[name].read_json(f"{name}.json")
        for step, name in (("TrainingError", "training_error"), ("Evaluator", "evaluation"))
    )
    recipe = model.read_json("recipe.json")
    log = training_log(epath.Path(root), runner.plan(trainer))
    net = ComparedNet(
        config.recipe.architecture,
        parameters,
        training_top1_error=trained["top1_error"],
        training_top5_error=trained["top5_error"],
        validation_top1_error=validated["top1_error"],
        validation_top5_error=validated["top5_error"],
        seconds=round(results["Trainer"].took or 0.0, 1),
        epochs=recipe["epochs"],
        learning_rate=recipe["learning_rate"],
        model=str((model.path / "model.keras").relative_to(root)),
        tensorboard=str(log.relative_to(root)),
    )
    write_training(log, net, training_hyperparameters(recipe, config.input_size) | {"parameters": parameters})
    write_table(log.parent)
    return net


def _features_alone(nets: Sequence[ComparedNet], examples: Examples, config: RunConfig, root: pathlib.Path) -> "Figure":
    """Draws the maps of trained networks that have no match in another; prints their number in each layer."""
    from zfnet.components.figures.comparison.features import draw_features_alone
    from zfnet.components.inputs.model_file import load_model_file

    models = {net.architecture: load_model_file(root / net.model) for net in nets if net.model}
    figure = draw_features_alone(models, examples, config.recipe.seed)
    for found in figure.numbers["features"]:
        counts = (
            f"{layer['layers'][0]} {len(layer['without_match'])} of {len(layer['maps']) - len(layer['constant'])}"
            for layer in found["layers"]
        )
        click.echo(f"\nmaps of {found['names'][0]} without a match in {found['names'][1]}: {', '.join(counts)}")
    return figure


def _draw(
    nets: Sequence[ComparedNet],
    wanted: int,
    config: RunConfig,
    examples: Examples,
    root: pathlib.Path,
    features: "Figure | None" = None,
) -> None:
    from zfnet.components.figures.comparison.draw import draw_comparison

    counts = {split: examples.count(split) for split in ("train", "validation")}
    epochs = sorted({net.epochs for net in nets if net.epochs})
    trained = f", {' or '.join(map(str, epochs))} epoch{'' if epochs == [1] else 's'}" if epochs else ""
    size = examples.image_size
    rates = {net.learning_rate for net in nets if not net.failed}
    # Small nets and others start at different rates, which are in their own rows then.
    rate = rates.pop() if len(rates) == 1 else None
    further = {
        "data": config.data,
        "image_size": size,
        "examples": counts,
        "recipe": {name: getattr(config.recipe, name) for name in RECIPE} | {"learning_rate": rate},
        "complete": len(nets) == wanted,
    }
    data = config.data if len(config.data) <= LONGEST else f"...{config.data[-LONGEST:]}"
    title = f"{data}: {counts['train']:,} training and {counts['validation']:,} validation examples, {size} x {size} pixels{trained}"
    drawing = root / ".compare.partial"
    shutil.rmtree(drawing, ignore_errors=True)  # Left by a process that was killed.
    figure = draw_comparison(nets, classes=len(examples.labels), title=title, further=further)
    if features:
        figure.pictures.update(features.pictures)
        figure.numbers.update(features.numbers, pictures=[f"{name}.png" for name in figure.pictures])
    figure.save(drawing)
    replace_drawing(drawing, root, "compare.json")
    drawing.rmdir()
