"""Search for the strongest activations of each unit, at different places of the images."""

import operator
from collections.abc import Iterator, Sequence

import numpy as np

from zfnet.components.figures.images import ImageSet
from zfnet.components.pictures.projected_activation import ProjectedActivation, project_activations
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import rows_of
from zfnet.model.deconvnet.receptive_field import ReceptiveField, field_of_value
from zfnet.model.deconvnet.strongest import Strongest, strongest_activations
from zfnet.model.deconvnet.targets import Targets
from zfnet.model.measures.class_answers import AnswerCounts, ClassAnswers
from zfnet.model.measures.contributions import Contributions, strongest_contributions
from zfnet.model.measures.shuffled_weights import LayerCheck, Likeness, check_layers_of, shuffled_likeness

SHOWN = 9  # Zeiler & Fergus 2013, Fig. 2.
# Activations that are searched for nine different places, if several images come from one photograph.
CANDIDATES = 288
SAME_PLACE = 0.5  # Windows that share more than this part of the smaller one show the same place.
SHOWN_ELSEWHERE = 5
# Units times classes of a layer whose answers are counted, which takes memory for each of both: 4,096 units of 4,096 classes.
MOST_ANSWERS = 1 << 24


class ExampleSearch:
    """Finds the strongest activations of units over images, and projects them, at different places of the photographs.

    It stores its results: figures that share one search read the images once. The model takes RGB 0..255; `name` is its name in progress
    bars, empty for none.
    """

    def __init__(self, deconvnet: Deconvnet, images: ImageSet, name: str = "") -> None:
        self.deconvnet, self.images, self._name = deconvnet, images, name
        self._found: dict[str, Strongest] = {}
        self._answers: dict[str, ClassAnswers] = {}
        self._contributions: dict[str, Contributions] = {}
        self._fields: dict[str, ReceptiveField | None] = {}

    def strongest(self, layers: Sequence[str]) -> dict[str, Strongest]:
        """The strongest activations of every unit of some layers, more than are shown if photographs have several examples.

        Raises:
            ValueError: activations are not numbers.
        """
        if missing := [layer for layer in layers if layer not in self._found]:
            # A search within a class finds its strongest images.
            counts = AnswerCounts(self.images.origins.labels, len(self.images.labels), within=0)
            units = {layer: self.deconvnet.graph.unit_count(layer) for layer in missing}
            counted = {layer for layer, number in units.items() if 0 < number * len(self.images.labels) <= MOST_ANSWERS}

            def seen(layer: str, maxima: np.ndarray, ids: np.ndarray) -> None:
                if layer in counted:
                    counts.seen(layer, maxima, ids)

            found = strongest_activations(self.deconvnet, self._batches("Searching"), missing, self._candidates(), seen)
            for layer, each in found.items():
                if (each.examples[:, 0] < 0).any():
                    raise ValueError(f"Activations of layer {layer!r} are not all numbers (NaN); neither can the model's weights be.")
            self._found |= found
            self._answers |= {layer: counts.answers(layer) for layer in missing if layer in counted}
        return {layer: self._found[layer] for layer in layers}

    def answers(self, layer: str) -> ClassAnswers | None:
        """The classes that the units of a layer answer to, from the same pass.

        None if the classes of the images are not known, or if there are more than 16.8 million pairs of a unit and a class.
        """
        self.strongest([layer])
        return self._answers.get(layer)

    def contributions(self, layers: Sequence[str]) -> dict[str, Contributions]:
        """The images in which each unit of some layers matters most for the answer of the model; as many as `strongest` finds.

        Raises:
            ValueError: the model has no classes.
        """
        if missing := [layer for layer in layers if layer not in self._contributions]:
            batches = self._batches("Searching what matters")
            self._contributions |= strongest_contributions(self.deconvnet, batches, missing, self._candidates())
        return {layer: self._contributions[layer] for layer in layers}

    def within(self, name: str) -> "ExampleSearch":
        """A search over the images of one class.

        Raises:
            ValueError: there is no image of the class, or the classes of the images are not known.
        """
        return ExampleSearch(self.deconvnet, self.images.within(name), self._name)

    def _candidates(self) -> int:
        photographs, ids = self.images.origins.photographs, self.images.origins.ids
        # Mostly each image is a photograph, under the same name: a set of all names would take memory.
        are_whole = all(map(operator.eq, photographs, ids)) or len(set(photographs)) == len(ids)
        return SHOWN if are_whole else min(CANDIDATES, len(ids))

    def different(self, layer: str, unit: int, count: int = SHOWN, strongest: Strongest | None = None) -> list[int]:
        """Ranks, rising, of at most `count` positive activations of a unit at different places of the photographs.

        They are ranks among `strongest`, or if it is None among those that `strongest()` found for the layer.
        """
        strongest = strongest or self._found[layer]
        active = np.flatnonzero(strongest.values[unit] > 0)
        examples = strongest.examples[unit, active]
        windows = self._windows(layer, examples, strongest.positions[unit, active])
        places = distinct_places([self.images.origins.photographs[number] for number in examples], windows, count)
        return active[places].tolist()

    def _windows(self, layer: str, examples: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Receptive fields in pixels of the photographs: `(N, 4)` top, left, bottom, right."""
        image, boxes = np.array(self.images.image_input[:2]), self.images.origins.boxes[examples]
        corners, size = np.zeros((len(examples), 2)), image
        field = self.field(layer)
        if field is not None and positions.shape[1]:
            size = np.minimum(field.size, image)
            corners = np.clip(np.array(field.offset) + np.array(field.stride) * positions, 0, image - size)
        # An example is the whole of its box; the model sees its centre.
        scale = (boxes[:, 2:] - boxes[:, :2]) / self.images.side
        first = boxes[:, :2] + (corners + (self.images.side - image) // 2) * scale
        return np.concatenate([first, first + size * scale], axis=1)

    def field(self, layer: str) -> ReceptiveField | None:
        """The receptive field of a layer in images of this size; None if its units have no single one."""
        if layer not in self._fields:
            graph, image_input = self.deconvnet.graph, self.images.image_input
            blank = image_input.to_model_layout(np.zeros((1, *image_input[:2], 3), np.float32))
            try:
                self._fields[layer] = field_of_value(graph, graph.value_of(layer), self.deconvnet.record(blank, []).shapes)
            except ValueError:  # The units are shown with the whole image.
                self._fields[layer] = None
        return self._fields[layer]

    def project(
        self,
        strongest: dict[str, Strongest],
        chosen: dict[str, tuple[np.ndarray, np.ndarray]],
        fill: np.ndarray | None = None,
        quick: bool = False,
    ) -> Iterator[ProjectedActivation]:
        """Projects activations that `strongest` found, for each layer chosen by units `(M,)` and ranks `(M,)`, as they come.

        With `fill`, the value of hidden pixels, each is checked, see `project_activations`.
        """
        wanted = {int(number) for layer, places in chosen.items() for number in strongest[layer].examples[places]}
        if wanted:
            batches = self._batches("Projecting" if fill is None else "Projecting and checking", wanted)
            yield from project_activations(self.deconvnet, batches, strongest, chosen, self.images.image_input, fill, quick)

    def check_layers(self, layer: str, found: Strongest, units: np.ndarray, ranks: np.ndarray) -> LayerCheck:
        """Compares projections of some activations of a layer with those of shuffled weights, see `check_layers_of`."""
        images, targets = self._activations(found, units, ranks)
        return check_layers_of(self.deconvnet, images, layer, targets)

    def shuffled(self, layer: str, units: np.ndarray, ranks: np.ndarray) -> Likeness:
        """Compares projections of some activations of a layer with those after all weights below are shuffled, see `Likeness`."""
        images, targets = self._activations(self._found[layer], units, ranks)
        return shuffled_likeness(self.deconvnet, images, layer, targets)

    def _activations(self, found: Strongest, units: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, Targets]:
        """The images of some activations, in memory, and the activations in them."""
        examples = found.examples[units, ranks]
        parts = list(self._batches("Reading", set(examples.tolist())))
        images, numbers = (np.concatenate([np.asarray(part[place]) for part in parts]) for place in range(2))
        return images, Targets(rows_of(numbers, examples), units, found.positions[units, ranks], found.values[units, ranks])

    def _batches(self, title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return self.images.batches(f"{self._name}: {title.lower()}" if self._name else title, numbers)


def distinct_places(photographs: list[str], boxes: np.ndarray, count: int) -> list[int]:
    """Chooses the first windows that show different places: at most `count` indices, in order.

    A window that shares more than half of its area, or of the other's, with a chosen one is skipped. `photographs` has the photograph of
    each window, best window first; `boxes` `(N, 4)` has its top, left, bottom and right there, in pixels.

    Examples:
        >>> distinct_places(["cat", "cat", "cup"], np.array([[0, 0, 9, 9], [1, 0, 10, 9], [0, 0, 9, 9]]), 9)
        [0, 2]
    """
    chosen: list[int] = []
    plain = boxes.tolist()  # Lists are many times faster here than arrays, and every map of a net is searched.
    for index, photograph in enumerate(photographs):
        if len(chosen) == count:
            break
        if not any(photographs[other] == photograph and _overlap(plain[index], plain[other]) > SAME_PLACE for other in chosen):
            chosen.append(index)
    return chosen


def _overlap(one: list[int], other: list[int]) -> float:
    shared = [max(0, min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis])) for axis in range(2)]
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared[0] * shared[1] / max(smaller, 1)


def top_examples(search: ExampleSearch, layer: str, unit: int) -> list[ProjectedActivation]:
    """Finds the five strongest activations of a unit at different places of images, strongest first; fewer if there are fewer places."""
    strongest = search.strongest([layer])
    ranks = np.array(search.different(layer, unit, SHOWN_ELSEWHERE), int)
    return sorted(search.project(strongest, {layer: (np.full(len(ranks), unit), ranks)}), key=lambda each: each.rank)
