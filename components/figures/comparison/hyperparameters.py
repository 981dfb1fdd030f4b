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
# The row of a training, from which the table is described; TensorBoard ignores the file.
RECORD = "hyperparameters.json"
METRICS = {
    "validation_top1_error": "validation top-1 error",
    "validation_top5_error": "validation top-5 error",
    "training_top1_error": "training top-1 error",
}
GROUP = "trained"  # Sorts behind the curves.
# Columns that are shown even if they are the same in all trainings.
ALWAYS = ("architecture", "batch_size", "epochs", "learning_rate", "seed")


def write_training(log: epath.Path, net: ComparedNet, values: dict[str, str | int | float]) -> None:
    """Writes the row of one training into `log`, the directory of its summaries, instead of an earlier one; `values` by name."""
    with _writer(log).as_default(step=net.epochs) as writer:
        hp.hparams(values, trial_id=log.name)
        for name, title in METRICS.items():
            if (error := getattr(net, name)) is not None:
                tf.summary.scalar(f"{GROUP}/{name}", error, description=f"The trained net's {title}, 0..1. Step = epochs trained.")
        writer.close()
    (log / RECORD).write_text(json.dumps(values, indent=1))


def write_table(logs: epath.Path) -> None:
    """Describes the table's columns: those that differ between the trainings in subdirectories of `logs`, and those of `ALWAYS`."""
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
    """The hyperparameters of an architecture, by its name as in `find_architecture`.

    `architecture` is the row of the table that it is a variation of; `without` are the layers that any other row has; the width of a layer
    that is left out is 0.

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
    """The hyperparameters of a training, by its `recipe.json`: those of the architecture, and fields of the recipe that often change."""
    chosen = {name: recipe[name] for name in ("epochs", "batch_size", "learning_rate", "seed")}
    return hyperparameters(recipe["architecture"]) | {"image_size": image_size} | chosen


def _width(layer: Convolution | Dense | None) -> int:
    return 0 if layer is None else layer.filters if isinstance(layer, Convolution) else layer.units
