"""Weights of a trained network that another training starts from."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from etils import epath

from zfnet.components.inputs.named_models import named_net
from zfnet.components.inputs.preprocessing import LAYER

if TYPE_CHECKING:
    import keras

CLASSIFIER = "predictions"
# Pixel values by which two mean images may differ and count as the same.
SAME_MEAN = 0.01
# Layers of a net that a message lists.
LISTED = 12


def start_digest(start: str) -> str:
    """Hex SHA-256 that identifies a start: that of a model file, or of the name of a net, with its file of weights if it has one.

    Examples:
        >>> start_digest("keras:VGG16")[:8]
        '09956cf5'
    """
    net = named_net(start)
    file = epath.Path(start if net is None else getattr(net, "weights", ""))
    total = hashlib.sha256(b"" if net is None else start.encode())
    if net is None or file.is_file():
        with file.expanduser().open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
    return total.hexdigest()


@dataclasses.dataclass(frozen=True)
class Start:
    """A trained model as the start of a training: its layers with weights, and how it changes pixels.

    Attributes:
        name: the path or name of the model, for messages.
        weights: arrays of each layer with weights, by the layer's name.
        first: name of the first convolution; empty if there is none.
        matrix: float `(3, channels)`; the first convolution's input is `pixels @ matrix + offset`, for RGB values 0..255.
        offset: float `(channels,)`, or `(height, width, channels)` of a net that subtracts a mean image.
    """

    name: str
    weights: dict[str, list[np.ndarray]]
    first: str
    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def open(cls, start: str, digest: str | None = None) -> Self:
        """Opens a `.keras` or HDF5 file, or a net by name.

        Raises:
            ValueError: the model can't be opened, or has another `digest`.
        """
        if digest is not None and (found := start_digest(start)) != digest:
            raise ValueError(f"{start} was changed since the run began: its SHA-256 is {found[:12]}..., expected {digest[:12]}....")
        from zfnet.components.figures.given_model import open_model

        return cls.of_model(open_model(start), start)

    @classmethod
    def of_model(cls, model: "keras.Model", name: str) -> Self:
        """The start that a model gives, which takes RGB 0..255 or centred values."""
        import keras

        from zfnet.model.net.layers import MeanImage

        matrix, offset, first = np.eye(3), np.zeros(3), ""
        weights: dict[str, list[np.ndarray]] = {}
        for layer in _layers(model):
            if not first and isinstance(layer, MeanImage):
                offset = offset - np.asarray(layer.get_weights()[0], np.float64)
            elif not first and isinstance(layer, keras.layers.Rescaling):
                matrix, offset = matrix * layer.scale, offset * layer.scale + layer.offset
            elif not first and layer.name.startswith(LAYER) and isinstance(layer, keras.layers.Conv2D):
                kernel, bias = (np.asarray(array, np.float64) for array in layer.get_weights())
                matrix, offset = matrix @ kernel[0, 0], offset @ kernel[0, 0] + bias
            elif layer.weights and not isinstance(layer, MeanImage):
                first = first or (layer.name if isinstance(layer, keras.layers.Conv2D) else "")
                weights.setdefault(layer.name, layer.get_weights())
        return cls(name, weights, first, matrix, offset)

    def give(self, net: "keras.Model", scale: float, mean: np.ndarray) -> "Given":
        """Sets the weights of the layers of `net` that have the name and the shapes of a layer here; the classifier stays new.

        Values at the first convolution may have another scale here, or another order of colours: then its kernel is changed such that it
        gives the same activations.

        Args:
            net: takes centred RGB values, and multiplies them by `scale` before its first convolution.
            scale: factor of pixel values.
            mean: the image that is subtracted from those of `net`, float `(height, width, 3)`, values 0..255.

        Raises:
            ValueError: no layer fits; the message lists names and shapes of both nets, of each the first twelve.
        """
        own = {layer.name: layer for layer in net.layers if layer.weights and layer.name != CLASSIFIER}
        shapes = {name: [tuple(weight.shape) for weight in layer.weights] for name, layer in own.items()}
        found = {name: [array.shape for array in arrays] for name, arrays in self.weights.items()}
        taken = [name for name in own if shapes[name] == found.get(name)]
        if not taken:
            raise ValueError(
                f"No layer of {self.name} has the name and the shapes of a layer of {net.name}. Looked for {_listed(shapes)}; "
                f"{self.name} has {_listed(found)}. Start from another model, or choose an architecture with these layers."
            )
        for name in taken:
            kernel, *others = self.weights[name]
            if name == self.first and self.matrix.shape == (3, 3) and not np.array_equal(self.matrix, scale * np.eye(3)):
                kernel = np.einsum("hwco,ic->hwio", kernel, self.matrix / scale).astype(np.float32)
            own[name].set_weights([kernel, *others])
        left = [name for name in own if name not in taken]
        return Given(
            self.name, tuple(taken), (*left, CLASSIFIER), self._difference(mean) if self.first in taken else 0.0, _clipped(net, taken)
        )

    def _difference(self, mean: np.ndarray) -> float:
        """The largest difference of a mean image from that of this net, in pixel values; infinite if their sizes differ."""
        own = -np.asarray(self.offset) @ np.linalg.inv(self.matrix)
        return float(np.abs(own - mean).max()) if own.ndim == 1 or own.shape == mean.shape else np.inf


@dataclasses.dataclass(frozen=True)
class Given:
    """What a start gave to a net.

    Attributes:
        name: path or name of the start.
        taken, new: names of the layers that have the start's weights, and of those that begin with random ones.
        mean_difference: the largest difference between both mean images, in pixel values; 0 if the first convolution is new.
        clipped: number of filters, by layer, whose root mean square is beyond the largest that the recipe allows.
    """

    name: str
    taken: tuple[str, ...]
    new: tuple[str, ...]
    mean_difference: float
    clipped: dict[str, int]

    def message(self, frozen: Iterable[str] = ()) -> str:
        """Lines for the user; filters of `frozen` layers are not clipped."""
        lines = [f"Started from {self.name}: {', '.join(self.taken)}. New: {', '.join(self.new)}."]
        if self.mean_difference > SAME_MEAN:
            by = f"by up to {self.mean_difference:.1f} of 255" if np.isfinite(self.mean_difference) else "in size"
            lines.append(f"The mean images differ {by}: before training, features are close to those of the start, not equal.")
        if clipped := {name: count for name, count in self.clipped.items() if name not in frozen}:
            counted = ", ".join(f"{count} in {name}" for name, count in clipped.items())
            lines.append(
                f"Filters with a larger root mean square than the architecture's rms_radius: {counted}. The first step reduces them. "
                "To keep them, freeze the layer, or give a larger radius: --architecture NAME:rms_radius=1."
            )
        return "\n".join(lines)

    def numbers(self) -> dict[str, Any]:
        """Entries of `recipe.json`."""
        return {"start_from": self.name, "start_layers": list(self.taken), "new_layers": list(self.new)}


def _layers(model: "keras.Model") -> Iterator["keras.layers.Layer"]:
    """All layers, those of models within it too, in order."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        else:
            yield layer


def _clipped(net: "keras.Model", names: Iterable[str]) -> dict[str, int]:
    counts = {}
    for layer in map(net.get_layer, names):
        radius = getattr(getattr(layer, "kernel_constraint", None), "radius", None)
        if radius is not None:
            rms = np.sqrt(np.mean(np.square(np.asarray(layer.kernel)), axis=(0, 1, 2)))
            # The constraint leaves filters at the radius, up to the last bits.
            if count := int((rms > radius * (1 + 1e-5)).sum()):
                counts[layer.name] = count
    return counts


def _listed(shapes: dict[str, list[tuple[int, ...]]]) -> str:
    words = [f"{name} ({', '.join(' x '.join(map(str, shape)) for shape in each)})" for name, each in shapes.items()]
    further = [f"{len(words) - LISTED} more"] if len(words) > LISTED else []
    return ", ".join([*words[:LISTED], *further]) or "no weights"
