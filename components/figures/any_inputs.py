"""Figures of models whose inputs are not photographs: signals, volumes, other images, or several inputs."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.figures.units import unit_name
from zfnet.components.pictures.figure import Figure, picture_name
from zfnet.components.pictures.input_panels import SeenInput, input_chart, input_rows
from zfnet.components.pictures.project_images import BATCH, strongest_of_each
from zfnet.components.pictures.sheet import sheet
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.model_inputs import InputForm
from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest, project_strongest
from zfnet.model.deconvnet.strongest import strongest_activations

SHOWN = 9  # Zeiler & Fergus 2013, Fig. 2.


class AnyInputs:
    """Inputs of a model in memory, one array or a list or dict of them, in batches.

    Raises:
        ValueError: they are not as the model takes them, have no examples, or are not all finite numbers.
    """

    def __init__(self, deconvnet: Deconvnet, images: Any) -> None:
        if isinstance(images, str | os.PathLike | tf.data.Dataset | keras.utils.PyDataset):
            raise ValueError(
                f"The images are of type {type(images).__name__}, and the model {deconvnet.model.name!r} takes no photographs. Expected an "
                "array, or a list or dict of arrays, as the model takes it."
            )
        self.deconvnet, self.form = deconvnet, InputForm.of(deconvnet.model, images)
        self.parts = [np.asarray(part, np.float32) for part in self.form.split(images)]
        self.count = len(self.parts[0])
        for name, part in zip(self.form.names, self.parts, strict=True):
            if not np.isfinite(part).all():
                raise ValueError(f"The values of the input {name!r} are not all finite numbers.")
        deconvnet.record(self.form.join([part[:1] for part in self.parts]), [])  # Raises an error that says what the model takes.
        if len({len(part) for part in self.parts}) > 1:
            raise ValueError(f"The inputs have {' and '.join(str(len(part)) for part in self.parts)} rows; expected the same number.")

    def batches(self) -> list[Any]:
        """The batches, which can be read repeatedly."""
        return [self.form.join([part[start : start + BATCH] for part in self.parts]) for start in range(0, self.count, BATCH)]

    def seen(self, part: ProjectedStrongest, row: int, example: int) -> list[SeenInput]:
        """Parts of each input that one of the projected units sees."""
        graph, found = self.deconvnet.graph, []
        for source, name in enumerate(self.form.names):
            values, patch, projection = (
                np.moveaxis(array, 0, -1) if graph.is_channels_first(source) else array
                for array in (
                    self.parts[source][example],
                    self.form.split(part.patches)[source][row],
                    self.form.split(part.projections)[source][row],
                )
            )
            if graph.dims[source] == values.ndim:  # No channels.
                values, patch, projection = values[..., None], patch[..., None], projection[..., None]
            corner = tuple(self.form.split(part.corners)[source][row].tolist())
            found.append(SeenInput(name if len(self.parts) > 1 else "", values, patch, projection, corner))
        return found

    def places(self, seen: Sequence[SeenInput], name: str) -> Any:
        """An attribute of windows as JSON holds it: a list of numbers, or such lists by the names of several inputs."""
        found = {each.name: list(getattr(each, name)) for each in seen}
        return found[""] if list(found) == [""] else found


def project_inputs(deconvnet: Deconvnet, images: Any, layer: str, unit: int | None = None, labels: Sequence[str] = ()) -> Figure:
    """Draws inputs of any kind, each with the projection of its strongest activation under it.

    Arguments, result and errors are those of `zfnet.project`; a single example has to be given as a batch of one.

    Examples:
        >>> net = keras.Sequential([keras.Input((64, 1)), keras.layers.Conv1D(4, 5, activation="relu", name="conv")])
        >>> figure = project_inputs(zfnet.Deconvnet(net), np.ones((2, 64, 1)), "conv")
        >>> [len(each["position"]) for each in figure.numbers["images"]]
        [1, 1]
    """
    inputs = AnyInputs(deconvnet, images)
    headings, blocks, numbers = [], [], []
    for example, batch in enumerate(_ones(inputs)):
        found, chosen = strongest_of_each(deconvnet, [batch], layer, 1, unit)
        (part,) = project_strongest(deconvnet, [batch], {layer: found}, {layer: chosen})
        seen, number = inputs.seen(part, 0, example), int(part.units[0])
        value, position = float(found.values[number, 0]), found.positions[number, 0].tolist()
        blocks.append(np.concatenate([input_chart(each) for each in seen]))
        headings.append(f"{unit_name(deconvnet, layer, number, labels)}, activation {value:.3g}")
        numbers.append({"unit": number, "position": position, "activation": value, "corner": inputs.places(seen, "corner")})
    columns = min(len(blocks), max(1, round(np.sqrt(len(blocks)))))
    return Figure("project", {"project": sheet(blocks, headings, columns)}, {"layer": layer, "images": numbers})


def gallery_inputs(
    deconvnet: Deconvnet,
    images: Any,
    layer: str,
    *,
    units: Sequence[int] | None = None,
    maps: int = 9,
    seed: int = 0,
    labels: Sequence[str] = (),
) -> Figure:
    """Draws the nine strongest activations of units over inputs of any kind: windows, and projections under them.

    Arguments, result and errors are those of `zfnet.gallery`. At most one activation of each example is shown.

    Examples:
        >>> net = keras.Sequential([keras.Input((64, 1)), keras.layers.Conv1D(4, 5, activation="relu", name="conv")])
        >>> figure = gallery_inputs(zfnet.Deconvnet(net), np.random.default_rng(0).normal(size=(20, 64, 1)), "conv", units=[2])
        >>> len(figure.numbers["conv"]["maps"]["2"])
        9
    """
    inputs = AnyInputs(deconvnet, images)
    found = strongest_activations(deconvnet, inputs.batches(), [layer], k=min(SHOWN, inputs.count))[layer]
    if (found.examples[:, 0] < 0).any():
        raise ValueError(f"Activations of layer {layer!r} are not all numbers (NaN); neither can the model's weights be.")
    living = found.values[:, 0] > 0
    order = np.random.default_rng(seed).permutation(len(living)) if units is None else np.unique(np.array(units, int))
    chosen = [int(unit) for unit in order if living[unit]]
    chosen = sorted(chosen[:maps]) if units is None else chosen
    of_units, of_ranks = np.nonzero(found.values > 0)
    shown = np.isin(of_units, chosen)
    places = of_units[shown], of_ranks[shown]
    seen: dict[tuple[int, int], list[SeenInput]] = {}
    for part in project_strongest(deconvnet, inputs.batches(), {layer: found}, {layer: places}):
        for row, (unit, rank) in enumerate(zip(part.units.tolist(), part.ranks.tolist(), strict=True)):
            seen[unit, rank] = inputs.seen(part, row, int(found.examples[unit, rank]))
    blocks, headings, drawn = [], [], {}
    for unit in chosen:
        ranks = [rank for rank in range(found.values.shape[1]) if (unit, rank) in seen]
        of_unit = [seen[unit, rank] for rank in ranks]
        blocks.append(np.concatenate([input_rows(each, SHOWN) for each in zip(*of_unit, strict=True)]))
        headings.append(unit_name(deconvnet, layer, unit, labels))
        drawn[str(unit)] = [
            {
                "example": int(found.examples[unit, rank]),
                "activation": float(found.values[unit, rank]),
                "position": found.positions[unit, rank].tolist(),
                "corner": inputs.places(each, "corner"),
            }
            for rank, each in zip(ranks, of_unit, strict=True)
        ]
    pictures = {picture_name("gallery", layer): sheet(blocks, headings, 1)} if blocks else {}
    return Figure("gallery", pictures, {layer: {"dead_maps": np.flatnonzero(~living).tolist(), "maps": drawn}})


def refuse_check(deconvnet: Deconvnet, check: bool) -> None:
    """Refuses to check projections of a model that takes no photographs.

    Raises:
        ValueError: `check` is true.
    """
    if check:
        raise ValueError(f"`check` hides pixels of photographs, and the model {deconvnet.model.name!r} takes none; leave it out.")


def _ones(inputs: AnyInputs) -> Iterator[Any]:
    for example in range(inputs.count):
        yield inputs.form.join([part[example : example + 1] for part in inputs.parts])
