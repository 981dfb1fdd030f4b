"""The evolution of features afterwards: the same maps searched in the checkpoints of a training, one after the other."""

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from numpy.typing import ArrayLike

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import model_batches, read_origins
from zfnet.components.figures.evolution.column import EvolutionColumn, SamePlaces, evolution_column, same_places, searched
from zfnet.components.figures.evolution.draw import drawn_columns
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet


def search_evolution(
    moments: Callable[[], Iterable[tuple[str, Deconvnet]]],
    examples: Examples,
    split: str,
    maps: Mapping[str, ArrayLike],
    count: int,
    whole: Collection[str] = (),
) -> tuple[dict[str, dict[str, EvolutionColumn]], dict[str, dict[str, SamePlaces]]]:
    """Finds and projects the strongest activation of each map at each moment of a training, and what it answers at the last one's place.

    Zeiler & Fergus 2013, section 4.1 and Fig. 4.

    Args:
        moments: gives title and net of each, in order, each time that it is called; taken one by one, so that they may be one net whose
            weights change.
        examples: prepared for the nets' larger side.
        split: which split is searched; of its examples the first, as many as in training (`searched`).
        maps: for each layer the maps to search, `(M,)` ints.
        count: how many of a layer are drawn, see `drawn_columns`.
        whole: layers of which all are drawn.

    Returns:
        The columns of the maps that are drawn, and their places, by title and layer, as `draw_evolution` takes them.

    Raises:
        ValueError: an activation is not a number; the message names the moment.
    """
    most = searched(examples.count(split))

    def batches(title: str, image_input: ImageInput, numbers: set[int] | None) -> Iterator:
        return model_batches(examples, split, image_input, title, numbers=numbers, most=most)

    columns, same = {}, {}
    for title, deconvnet in moments():
        image_input = ImageInput.of(deconvnet.model, examples.image_size)
        try:
            columns[title] = evolution_column(deconvnet, functools.partial(batches, title, image_input), maps, image_input)
        except ValueError as error:
            raise ValueError(f"{title}: {error}") from error
    drawn = drawn_columns(columns, read_origins(examples, split, most).photographs, count, whole)
    for title, deconvnet in moments():
        image_input = ImageInput.of(deconvnet.model, examples.image_size)
        last = list(drawn.values())[-1]
        same[title] = same_places(deconvnet, functools.partial(batches, title, image_input), last, image_input)
    return drawn, same


def check_same_layers(deconvnets: Mapping[str, Deconvnet], layers: Iterable[str]) -> None:
    """Fails if nets can't be the same net at several moments.

    Args:
        deconvnets: by what they are called.
        layers: names of the layers to be drawn, which the first has.

    Raises:
        ValueError: they take images of different sizes, or a layer is not the same in all.
    """
    (first, expected), *others = deconvnets.items()
    for name, deconvnet in others:
        if deconvnet.model.input_shape != expected.model.input_shape:
            raise ValueError(
                f"{first} takes images {expected.model.input_shape} and {name} {deconvnet.model.input_shape}; expected one net."
            )
        for layer in layers:
            if layer not in deconvnet.layers:
                raise ValueError(f"{name} has no layer {layer!r}, which {first} has; expected one net at several moments.")
            counts = expected.graph.unit_count(layer), deconvnet.graph.unit_count(layer)
            if counts[0] != counts[1]:
                raise ValueError(
                    f"Layer {layer!r} has {counts[0]} maps in {first} and {counts[1]} in {name}; expected one net at several moments."
                )
