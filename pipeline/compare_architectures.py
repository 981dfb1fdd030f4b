"""Trains a list of architectures by one recipe, on the same examples, and keeps a table of what came of them."""

from __future__ import annotations

import gc
import pathlib
import shutil
from collections.abc import Callable, Sequence
from typing import Any, cast

import click
from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.figures.comparison.table import ComparedNet, table_cells
from zfnet.components.training_error import measure_training_error
from zfnet.pipeline.cli.output import replace_drawing
from zfnet.pipeline.cli.tables import aligned_table
from zfnet.pipeline.messages import error_message
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import Step
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.zfnet_pipeline import data_steps, training_log, training_steps

LOCAL = "FnApiRunner"
LONGEST = 50  # Characters of DATA in a title.
RECIPE = ("epochs", "batch_size", "patience", "seed", "crops", "augmentation")


def compare_architectures(
    architectures: Sequence[str], config: RunConfig, open_data: Callable[[], Any], root: pathlib.Path, command: str
) -> None:
    """Trains every architecture that was not trained under `root` by this recipe, draws the table anew after each, and prints it.

    The steps are those of `zfnet run`: what is unchanged is found again, and what was interrupted goes on.

    Args:
        architectures: their names; none twice.
        config: the recipe, with the image size that they share; its own architecture is not looked at.
        open_data: opens the photographs, when the root is held.
        root: the directory for everything, made if missing; see `zfnet compare`.
        command: the command line to record.

    Raises:
        OSError: the root can't be written, or another process holds it.
        ValueError: some could not be trained; all others were.
    """
    nets: list[ComparedNet] = []
    with LocalRunner(root, command, option="--out") as runner:
        data = data_steps(config, open_data(), LOCAL, {"ExampleGen": (), "StatisticsGen": ()})
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
        click.echo("\n" + "\n".join(aligned_table(table_cells(nets, len(examples.labels)))))
        click.echo("\n" + "\n".join(str(root / name) for name in ("compare.png", "compare.json") if (root / name).exists()))
        if failed := [net for net in nets if net.failed]:
            raise ValueError(f"{len(failed)} of {len(nets)} could not be trained. {failed[0].architecture}: {failed[0].message}")


def _train(runner: LocalRunner, config: RunConfig, data: Sequence[Step], examples: Examples, root: pathlib.Path) -> ComparedNet:
    from zfnet.components.figures.comparison.hyperparameters import training_hyperparameters, write_table, write_training

    example_gen, statistics_gen = data
    trainer, evaluator = training_steps(config, epath.Path(root), example_gen.output("examples"), statistics_gen.output("statistics"))
    training_error = Step(
        "TrainingError",
        measure_training_error,
        {"examples": example_gen.output("examples"), "model": trainer.output("model")},
    )
    parameters = None
    try:
        parameters = _count_parameters(config, examples)
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


def _count_parameters(config: RunConfig, examples: Examples) -> int:
    from zfnet.model.net.build import build

    return build(config.recipe.architecture, (examples.image_size, examples.image_size, 3), len(examples.labels)).count_params()


def _draw(nets: Sequence[ComparedNet], wanted: int, config: RunConfig, examples: Examples, root: pathlib.Path) -> None:
    from zfnet.components.figures.comparison.draw import draw_comparison

    counts = {split: examples.count(split) for split in ("train", "validation")}
    epochs = sorted({net.epochs for net in nets if net.epochs})
    trained = f", {' or '.join(map(str, epochs))} epoch{'' if epochs == [1] else 's'}" if epochs else ""
    size = examples.image_size
    rates = {net.learning_rate for net in nets if not net.failed}
    # Small nets and others start at different rates, which stand in their own rows then.
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
    shutil.rmtree(drawing, ignore_errors=True)  # Of a process that was killed.
    drawing.mkdir()
    try:
        draw_comparison(nets, drawing, classes=len(examples.labels), title=title, further=further)
        replace_drawing(drawing, root, "compare.json")
    finally:
        shutil.rmtree(drawing)
