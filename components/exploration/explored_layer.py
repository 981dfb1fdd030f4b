"""One layer as the page shows it: its units, and the sizes and names of its pictures."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from zfnet.components.exploration.sheets import fitted_size
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.units import is_class_layer
from zfnet.model.deconvnet.strongest import Strongest

THUMB = 64  # Most pixels of a side in overviews.


class ExploredLayer(NamedTuple):
    """One layer of the page: its number there, its name, its number of units, and the sizes (height, width) of its pictures.

    `window` is what a unit sees, in pixels of the image; `tile` a window as it is stored, and `thumb` as overviews show it. `chosen` has
    the units that are ever positive, and for each the ranks of its strongest activations at different places. If `has_patches`, patches
    are stored as tiles, too; if not, the page cuts them out of whole images.
    """

    number: int
    name: str
    units: int
    window: tuple[int, int]
    tile: tuple[int, int]
    thumb: tuple[int, int]
    chosen: Mapping[int, list[int]]
    has_patches: bool

    @classmethod
    def of(cls, search: ExampleSearch, number: int, name: str, strongest: Strongest, most: int) -> Self:
        """Describes a layer that was searched; `most` is the longest side of a tile."""
        height, width = search.images.image_input[:2]
        field = search.field(name)
        window = (height, width) if field is None else (min(field.size[0], height), min(field.size[1], width))
        chosen = {unit: ranks for unit in range(len(strongest.values)) if (ranks := search.different(name, unit))}
        has_patches = 2 * max(window) <= max(height, width)
        tile, thumb = fitted_size(*window, most), fitted_size(*window, THUMB)
        return cls(number, name, len(strongest.values), window, tile, thumb, chosen, has_patches)

    def entry(self, search: ExampleSearch, labels: Sequence[str], grows: bool) -> dict[str, Any]:
        """The entry of the page's list of layers, as JSON holds it; `labels` are the names of the model's classes, if known."""
        deconvnet, field = search.deconvnet, search.field(self.name)
        is_map = len(deconvnet.graph.shapes[deconvnet.graph.value_of(self.name)]) > 1
        return {
            "name": self.name,
            "units": self.units,
            "kind": "map" if is_map else "unit",
            "names": list(labels) if is_class_layer(deconvnet, self.name, labels) else None,
            "field": list(field.size) if field else None,
            "window": self.window,
            "tile": self.tile,
            "thumb": self.thumb,
            "patches": self.has_patches,
            "dead": [unit for unit in range(self.units) if unit not in self.chosen],
            "grows": grows,
        }
