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
from zfnet.model.progress import Progress, no_progress

# Zeiler & Fergus 2013, Fig. 2.
SHOWN = 9
# How many activations are looked through for nine different places, where several images come from one photograph.
CANDIDATES = 288
SPLIT = "validation"


class ExampleSearch:
    """Finds what units answer to most in the split `validation`, and projects it, at different places of the photographs.

    It remembers what it found: figures that share one search go through the examples once.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        examples: prepared examples, made for the model's larger side.
        progress: shows how far it has come.
        most: how many examples, from the first, to look at; `None` looks at all.

    Attributes:
        deconvnet: of the model.
        examples: the examples.
        image_input: of the model.
        origins: of the examples.
    """

    def __init__(self, deconvnet: Deconvnet, examples: Examples, progress: Progress = no_progress, most: int | None = None) -> None:
        self.deconvnet, self.examples = deconvnet, examples
        self.image_input, self.origins = ImageInput.of(deconvnet.model, examples.image_size), read_origins(examples, SPLIT)
        self._progress, self._most = progress, most
        self._found: dict[str, Strongest] = {}

    def strongest(self, layers: Sequence[str]) -> dict[str, Strongest]:
        """The strongest activations of every unit of some layers, more than are shown where photographs have several examples.

        Raises:
            ValueError: activations are not numbers.
        """
        if missing := [layer for layer in layers if layer not in self._found]:
            count = len(self.origins.ids)
            candidates = SHOWN if len(set(self.origins.photographs)) == count else min(CANDIDATES, count)
            found = strongest_activations(self.deconvnet, self._batches("Searching"), missing, k=candidates)
            for layer, each in found.items():
                if (each.examples[:, 0] < 0).any():
                    raise ValueError(f"Activations of layer {layer!r} are not all numbers (NaN); neither can the model's weights be.")
            self._found |= found
        return {layer: self._found[layer] for layer in layers}

    def different(self, strongest: Strongest, unit: int, count: int = SHOWN) -> list[int]:
        """Ranks of the `count` strongest positive activations of a unit at different places; fewer if there are not as many."""
        active = np.flatnonzero(strongest.values[unit] > 0).tolist()
        examples = strongest.examples[unit, active]
        places = distinct_places([self.origins.photographs[number] for number in examples], self.origins.boxes[examples], count)
        return [active[place] for place in places]

    def project(self, strongest: dict[str, Strongest], chosen: dict[str, tuple[np.ndarray, np.ndarray]]) -> Iterator[ProjectedStrongest]:
        """Projects activations that `strongest` found, for each layer chosen by units `(M,)` and ranks `(M,)`, as they come."""
        wanted = {int(number) for layer, places in chosen.items() for number in strongest[layer].examples[places]}
        if wanted:
            yield from project_strongest(self.deconvnet, self._batches("Projecting", wanted), strongest, chosen)

    def _batches(self, title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return searched_batches(self.examples, SPLIT, self.image_input, title, numbers=numbers, most=self._most, progress=self._progress)
