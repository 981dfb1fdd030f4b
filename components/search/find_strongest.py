"""The search for the strongest activations as a Beam transform: over a data set of any size, on as many workers as there are."""

from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np

from zfnet.model.deconvnet.strongest import Strongest

# Images that run through the net together.
BATCH = 32

Found = dict[str, Strongest]


class MergeStrongest(beam.CombineFn):
    """Merges what searches of parts of a data set found into what a search of all of it finds, in whatever order they come.

    Elements and accumulators are `{layer: Strongest}`; what is held does not grow with the number of images.
    """

    def create_accumulator(self) -> Found:
        """Of no image at all."""
        return {}

    def add_input(self, found: Found, part: Found) -> Found:
        """The strongest of both."""
        return found | {layer: found[layer].merge(strongest) if layer in found else strongest for layer, strongest in part.items()}

    def merge_accumulators(self, parts: Iterable[Found]) -> Found:
        """The strongest of all."""
        found = self.create_accumulator()
        for part in parts:
            found = self.add_input(found, part)
        return found

    def extract_output(self, found: Found) -> Found:
        """The strongest activations; empty if there was no image."""
        return found


class SearchBatches(beam.DoFn):
    """Finds the strongest activations of each batch.

    Args:
        model: path of a `.keras` file that every worker can read.
        layers: names of layers, as in `Deconvnet.layers`.
        k: how many to keep of each unit.
        unsupported: as in `Deconvnet`.
    """

    def __init__(self, model: str, layers: list[str], k: int, unsupported: str = "error") -> None:
        self.model, self.layers, self.k, self.unsupported = model, layers, k, unsupported

    def setup(self) -> None:
        """Loads the model, once a worker."""
        from zfnet.components.inputs.model_file import load_model_file
        from zfnet.model.deconvnet.deconvnet import Deconvnet  # Brings TensorFlow, which only workers need.

        self.deconvnet = Deconvnet(load_model_file(self.model), self.unsupported)

    def process(self, batch: list[tuple[int, np.ndarray]]) -> Iterator[Found]:
        """Yields `{layer: Strongest}` of a batch of ids and images."""
        from zfnet.model.deconvnet.strongest import strongest_activations

        ids, images = zip(*batch, strict=True)
        yield strongest_activations(self.deconvnet, [(np.stack(images), np.array(ids))], self.layers, self.k)


class FindStrongest(beam.PTransform):
    """Finds the strongest activations of a collection of images; equal to `strongest_activations` over the same images.

    Zeiler & Fergus 2013, section 4 and Fig. 2.

    Args:
        model: path of a `.keras` file that every worker can read.
        layers: names of layers, as in `Deconvnet.layers`.
        k: how many to keep of each unit.
        unsupported: as in `Deconvnet`.

    Examples:
        >>> images = pipeline | beam.Create([(0, image), (1, other)])  # Ids and float arrays (height, width, channels).
        >>> strongest = images | FindStrongest("model.keras", ["conv5"], k=9)  # One element: {"conv5": Strongest}.
    """

    def __init__(self, model: str, layers: list[str], k: int = 9, unsupported: str = "error") -> None:
        super().__init__()
        self.search = SearchBatches(str(model), list(layers), k, unsupported)

    def expand(self, images: beam.PCollection) -> beam.PCollection:
        """Batches, searches, merges."""
        return (
            images
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Search" >> beam.ParDo(self.search)
            | "Merge" >> beam.CombineGlobally(MergeStrongest())
        )
