"""The sheet of a training that is watched: the evolution of its features, from what was kept after some epochs."""

import pathlib
import urllib.parse
from collections.abc import Collection

import tensorflow as tf

from zfnet.components.figures.evolution.column import evolution_epochs
from zfnet.components.figures.evolution.draw import draw_evolution, drawn_columns
from zfnet.components.pictures.figure import Figure, summarize_png
from zfnet.components.training.callbacks.evolution import FeatureEvolution, read_evolution
from zfnet.components.training.callbacks.look_schedule import COLUMNS

DESCRIPTION = "Evolution of features: each map at its strongest place of each moment, and at its last strongest place. Step = epoch."


def draw_sheet(evolution: FeatureEvolution, done: int, epochs: Collection[int] | None = None) -> Figure:
    """Draws the evolution of the features of a training of `done` epochs, as `zfnet evolution` does.

    Zeiler & Fergus 2013, section 4.1 and Fig. 4. `epochs` are those to show, counted from 1, with 0 for before the first. None takes all
    that were kept, or those of the paper if there are more than ten.

    Raises:
        ValueError: nothing was kept after any of the epochs.
    """
    if epochs is None:
        epochs = [epoch for epoch in range(done + 1) if evolution.has_column(epoch)]
        if len(epochs) > COLUMNS:
            epochs = {epoch for epoch in epochs if epoch in evolution_epochs(done)} | {epochs[0], epochs[-1]}
    photographs, ids = evolution.images.origins()
    found = read_evolution(evolution.folder, epochs)
    if not found:
        raise ValueError(f"No features were kept after any of the epochs {sorted(epochs)}; None shows those that were.")
    columns = drawn_columns(found, photographs, evolution.maps)
    return draw_evolution(columns, evolution.last_places(epochs, columns), ids)


def write_sheet(sheet: Figure, folder: pathlib.Path, writer: tf.summary.SummaryWriter, epoch: int) -> None:
    """Writes the sheet of a training after some epochs: its files to a directory, and its pictures to TensorBoard."""
    sheet.save(folder)
    with writer.as_default(step=epoch):
        for name, picture in sheet.pictures.items():
            summarize_png(urllib.parse.unquote(name.replace("_", "_sheet/", 1)), picture, DESCRIPTION, sheet.encoded[name])
    writer.flush()
