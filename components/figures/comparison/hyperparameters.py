"""Hyperparameters and errors of trainings, as rows of TensorBoard's HParams plugin."""

import json
from typing import Any

import tensorflow as tf
from etils import epath
from tensorboard.plugins.hparams import api as hp

from zfnet.components.figures.comparison.table import ComparedNet
from zfnet.model.net.architecture import ARCHITECTURES, Convolution, Dense
from zfnet.model.net.variation import find_architecture

SUFFIX = ".hyperparameters"
# Holds the row of a training, so that the whole table can be described; TensorBoard ignores the file.
RECORD = "hyperparameters.json"
METRICS = {
    "validation_top1_error": "validation top-1 error",
    "validation_top5_error": "validation top-5 error",
    "training_top1_error": "training top-1 error",
}
# Sorts behind the curves.
GROUP = "trained"
# Columns that are shown even if they are the same in all trainings.
ALWAYS = ("architecture", "batch_size", "epochs", "learning_rate", "seed")


def write_training(log: epath.Path, net: ComparedNet, values: dict[str, str | int | float]) -> None:
    """Writes the row of one training, in place of what was written for it before.

    Args:
        log: directory of the training's summaries.
        net: the errors that are known.
        values: the hyperparameters, by name.
    """
    with _writer(log).as_default(step=net.epochs) as writer:
        hp.hparams(values, trial_id=log.name)
        for name, title in METRICS.items():
            if (error := getattr(net, name)) is not None:
                tf.summary.scalar(f"{GROUP}/{name}", error, description=f"The trained net's {title}, 0..1. Step = epochs trained.")
        writer.close()
    (log / RECORD).write_text(json.dumps(values, indent=1))


def write_table(logs: epath.Path) -> None:
    """Describes the table's columns: those that differ between the trainings under `logs`, and those of `ALWAYS`.

    Args:
        logs: the directory above those of the trainings.
    """
    rows = [json.loads(record.read_text()) for record in sorted(logs.glob(f"*/{RECORD}"))]
    columns = {name: [row[name] for row in rows if name in row] for row in rows for name in row}
    # TensorBoard shows the first few columns by itself.
    shown = sorted((name for name, values in columns.items() if name in ALWAYS or _differ(values)), key=lambda name: name not in ALWAYS)
    with _writer(logs).as_default(step=0) as writer:
        hp.hparams_config(
            hparams=[hp.HParam(name, _domain(columns[name])) for name in shown],
            metrics=[hp.Metric(f"{GROUP}/{name}", display_name=title) for name, title in METRICS.items()],
        )
        writer.close()


def _domain(values: list) -> hp.Discrete | hp.RealInterval:
    return hp.Discrete(sorted(set(values))) if isinstance(values[0], str) else hp.RealInterval(float(min(values)), float(max(values)))


def _differ(values: list) -> bool:
    return len(set(values)) > 1


def _writer(log: epath.Path) -> tf.summary.SummaryWriter:
    for earlier in list(log.glob(f"*{SUFFIX}")):
        earlier.unlink()
    return tf.summary.create_file_writer(str(log), filename_suffix=SUFFIX)


def hyperparameters(name: str) -> dict[str, str | int]:
    """The hyperparameters of an architecture.

    Args:
        name: its name, see `find_architecture`.

    Returns:
        `architecture` (the row of the table that it is a variation of), `variation`, `without` (the layers that any other row has), the
        kernel and stride of `conv1`, and the width of every layer, 0 where it is left out.

    Examples:
        >>> hyperparameters("alexnet-small:without=conv3,conv1.stride=2")["conv1.stride"]
        2
    """
    base, _, variation = name.partition(":")
    layers = {layer.name: layer for layer in find_architecture(name).layers}
    first = layers.get("conv1")
    known = sorted({layer.name for row in ARCHITECTURES.values() for layer in row.layers} | layers.keys())
    return {
        "architecture": base,
        "variation": variation,
        "without": " ".join(layer for layer in known if layer not in layers),
        "conv1.kernel": first.kernel if isinstance(first, Convolution) else 0,
        "conv1.stride": first.stride if isinstance(first, Convolution) else 0,
        **{layer: _width(layers.get(layer)) for layer in known},
    }


def training_hyperparameters(recipe: dict[str, Any], image_size: int) -> dict[str, str | int | float]:
    """The hyperparameters of a training: those of its architecture, and fields of the recipe that are often changed.

    Args:
        recipe: `recipe.json` of the trained model.
        image_size: side of the net's input, in pixels.
    """
    chosen = {name: recipe[name] for name in ("epochs", "batch_size", "learning_rate", "seed")}
    return hyperparameters(recipe["architecture"]) | {"image_size": image_size} | chosen


def _width(layer: Convolution | Dense | None) -> int:
    return 0 if layer is None else layer.filters if isinstance(layer, Convolution) else layer.units
