"""The search through examples that figures show the strongest activations of."""

from collections.abc import Iterator, Sequence

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import read_origins
from zfnet.components.figures.distinct_places import distinct_places
from zfnet.components.figures.searched_batches import searched_batches
from zfnet.components.pictures.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.project_strongest import ProjectedStrongest, project_strongest
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.deconvnet.strongest_activations import strongest_activations
from zfnet.model.progress import Progress

# Zeiler & Fergus 2013, Fig. 2.
SHOWN = 9
# How many activations are looked through for nine different places, where several images come from one photograph.
CANDIDATES = 288
SPLIT = "validation"


class ExampleSearch:
    """Finds what units answer to most in the split `validation`, and projects it, at different places of the photographs.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        examples: prepared examples, made for the model's larger side.
        progress: shows how far it has come.
        most: how many examples, from the first, to look at; `None` looks at all.

    Attributes:
        image_input: of the model.
        ids: of the examples, in the split's order.
    """

    def __init__(self, deconvnet: Deconvnet, examples: Examples, progress: Progress, most: int | None = None) -> None:
        self.deconvnet, self.image_input = deconvnet, ImageInput.of(deconvnet.model, examples.image_size)
        self._examples, self._progress, self._most = examples, progress, most
        self._photographs, self._boxes, self.ids = read_origins(examples, SPLIT)

    def strongest(self, layers: Sequence[str]) -> dict[str, Strongest]:
        """The strongest activations of every unit of some layers, more than are shown where photographs have several examples."""
        count = len(self._photographs)
        candidates = SHOWN if len(set(self._photographs)) == count else min(CANDIDATES, count)
        return strongest_activations(self.deconvnet, self._batches("Searching"), list(layers), k=candidates)

    def different(self, strongest: Strongest, unit: int, count: int = SHOWN) -> list[int]:
        """Ranks of the `count` strongest positive activations of a unit at different places; fewer if there are not as many."""
        active = [place for place in range(strongest.values.shape[1]) if strongest.values[unit, place] > 0]
        examples = strongest.examples[unit, active]
        places = distinct_places([self._photographs[number] for number in examples], self._boxes[examples], count)
        return [active[place] for place in places]

    def project(self, strongest: dict[str, Strongest], chosen: dict[str, tuple[np.ndarray, np.ndarray]]) -> Iterator[ProjectedStrongest]:
        """Projects activations that `strongest` found, for each layer chosen by units `(M,)` and ranks `(M,)`, as they come."""
        wanted = {int(number) for layer, places in chosen.items() for number in strongest[layer].examples[places]}
        if wanted:
            yield from project_strongest(self.deconvnet, self._batches("Projecting", wanted), strongest, chosen)

    def _batches(self, title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return searched_batches(self._examples, SPLIT, self.image_input, title, numbers=numbers, most=self._most, progress=self._progress)
