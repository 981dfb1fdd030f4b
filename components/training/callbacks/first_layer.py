"""The first convolution while it learns: its filters as pictures, and their measures."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from zfnet.components.figures.filters.report import over_rgb
from zfnet.components.figures.layers import convolutions
from zfnet.components.pictures.sheet import filter_grid
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.measures.filters import aliased_energy, filter_structure
from zfnet.model.measures.outputs import rectified_output

MEASURES = {
    "structured": "Share of the first layer's filters that are edges, gratings or borders of colours, not noise or one colour, 0..1.",
    "aliased": "Share of a first layer's filter, in energy, that its stride cannot represent, 0..1; the median filter.",
    "dead": "Share of the first layer's maps that none of the searched images activates, 0..1.",
}


@dataclasses.dataclass(frozen=True)
class FirstLayer:
    """The first convolution of a model, called `name`; `rectified` is the layer with its ReLU, and None if there is none."""

    deconvnet: Deconvnet
    name: str
    rectified: str | None

    @classmethod
    def of(cls, deconvnet: Deconvnet) -> "FirstLayer | None":
        """Finds the first convolution over two axes; None if the model has none."""
        names = convolutions(deconvnet.graph)
        return cls(deconvnet, names[0], rectified_output(deconvnet.graph, names[0])) if names else None

    def write(self, writer: tf.summary.SummaryWriter, epoch: int, strongest: Mapping[str, Strongest]) -> None:
        """Writes the grid of filters and the measures to TensorBoard, after `epoch` epochs.

        Dead maps are counted if `strongest` has the layer `rectified`, searched at that moment.
        """
        with writer.as_default(step=epoch):
            grid = filter_grid(over_rgb(self.deconvnet, self._layer.kernel.numpy()))[None]
            tf.summary.image(f"filters/{self.name}", grid, description="Weights of each filter over RGB; grey is 0. Step = epoch.")
            for measure, number in self.measured(strongest).items():
                tf.summary.scalar(f"epoch/{measure}", number, description=MEASURES[measure])
        writer.flush()

    def measured(self, strongest: Mapping[str, Strongest]) -> dict[str, float]:
        """The measures by name; those that the layer does not allow are left out."""
        kernel = self._layer.kernel.numpy()
        found = {"aliased": float(np.median(aliased_energy(kernel, self._layer.strides, self._layer.dilation_rate)))}
        if (share := filter_structure(kernel).share) is not None:
            found["structured"] = share
        if self.rectified and self.rectified in strongest:
            # A leaky ReLU also lets negative values through, whose maximum is not 0.
            found["dead"] = float(np.mean(strongest[self.rectified].values[:, 0] == 0))
        return found

    @property
    def _layer(self):
        return self.deconvnet.graph.calls[self.name][0].layer
