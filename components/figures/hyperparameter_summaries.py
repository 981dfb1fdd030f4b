"""Trainings in TensorBoard's HParams plugin: a row for each training, with its hyperparameters and errors."""

import json

import tensorflow as tf
from etils import epath
from tensorboard.plugins.hparams import api as hp
from tensorboard.plugins.hparams import api_pb2, summary

from zfnet.components.figures.comparison_table import ComparedNet

SUFFIX = ".hyperparameters"
# What was written for a training, by which the whole table can be described; TensorBoard passes it over.
RECORD = "hyperparameters.json"
METRICS = {
    "validation_top1_error": "validation top-1 error",
    "validation_top5_error": "validation top-5 error",
    "training_top1_error": "training top-1 error",
}
# Sorts behind the curves.
GROUP = "trained"
# Columns that are there even if all trainings have the same; of more, TensorBoard shows the first five of the alphabet.
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
    """Describes the table's columns: what differs between the trainings under `logs`, and what is always of interest.

    Args:
        logs: the directory above those of the trainings.
    """
    rows = [json.loads(record.read_text()) for record in sorted(logs.glob(f"*/{RECORD}"))]
    columns = {name: [row[name] for row in rows if name in row] for row in rows for name in row}
    with _writer(logs).as_default() as writer:
        # Not by `hp.hparams_config`, which can't say what differs: TensorBoard shows the first five columns of those.
        description = summary.experiment_pb(
            hparam_infos=[_column(name, values) for name, values in columns.items() if name in ALWAYS or _differ(values)],
            metric_infos=[hp.Metric(f"{GROUP}/{name}", display_name=title).as_proto() for name, title in METRICS.items()],
        )
        tf.summary.experimental.write_raw_pb(description.SerializeToString(), step=0)
        writer.close()


def _column(name: str, values: list) -> api_pb2.HParamInfo:
    column = api_pb2.HParamInfo(name=name, differs=_differ(values))
    is_text = isinstance(values[0], str)
    domain = hp.Discrete(sorted(set(values))) if is_text else hp.RealInterval(float(min(values)), float(max(values)))
    domain.update_hparam_info(column)
    return column


def _differ(values: list) -> bool:
    return len(set(values)) > 1


def _writer(log: epath.Path) -> tf.summary.SummaryWriter:
    for earlier in list(log.glob(f"*{SUFFIX}")):
        earlier.unlink()
    return tf.summary.create_file_writer(str(log), filename_suffix=SUFFIX)
