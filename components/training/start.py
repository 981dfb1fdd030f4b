"""Weights of a trained network that another training starts from."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from etils import epath

from zfnet.components.inputs.foreign_model import EXPECTED
from zfnet.components.inputs.named_models import named_net
from zfnet.components.inputs.preprocessing import LAYER

if TYPE_CHECKING:
    import keras

CLASSIFIER = "predictions"
# Pixel values by which two mean images may differ and count as the same.
SAME_MEAN = 0.01
# Layers of a net that a message lists.
LISTED = 12
# Beginnings of the names of classes that leave values of pixels as they are, outside of training.
SAME_VALUES = ("InputLayer", "Identity", "Cast", "Permute", "Transpose", "Pad", "ZeroPadding", "Cropping", "CenterCrop", "Resizing")
SAME_VALUES += ("MaxPool", "AveragePool", "Random", "Dropout", "SpatialDropout", "GaussianNoise", "GaussianDropout")


def start_digest(start: str) -> str:
    """Hex SHA-256 that identifies a start: that of a model file, or of the name of a net, with its file of weights if it has one.

    Raises:
        ValueError: there is no such model file.

    Examples:
        >>> start_digest("keras:VGG16")[:8]
        '09956cf5'
    """
    net = named_net(start)
    file = epath.Path(start if net is None else getattr(net, "weights", "")).expanduser()
    if net is None and not file.is_file():
        raise ValueError(f"There is no model file {file}; {EXPECTED}.")
    total = hashlib.sha256(b"" if net is None else start.encode())
    if net is None or file.is_file():
        with file.open("rb") as stream:
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
        unknown: name of a layer or operation before the first convolution whose effect on pixels is not understood; empty if there is none.
        matrix: float `(3, channels)`; the first convolution's input is `pixels @ matrix + offset`, for RGB values 0..255.
        offset: float `(channels,)`, or `(height, width, channels)` of a net that subtracts a mean image.
    """

    name: str
    weights: dict[str, list[np.ndarray]]
    first: str
    matrix: np.ndarray
    offset: np.ndarray
    unknown: str = ""

    @classmethod
    def open(cls, start: str, digest: str | None = None) -> Self:
        """Opens a `.keras` or HDF5 file, or a net by name.

        Raises:
            ValueError: there is no such model, it can't be opened, or it has another `digest`.
        """
        if digest is not None and (found := start_digest(start)) != digest:
            raise ValueError(
                f"{start} was changed since the run began: its SHA-256 is {found}, but start_digest is {digest}. Start the run again; in a "
                "compiled pipeline, give the parameters start and start_digest of one file."
            )
        from zfnet.components.figures.given_model import open_model

        return cls.of_model(open_model(start), start)

    @classmethod
    def of_model(cls, model: "keras.Model", name: str) -> Self:
        """The start that a model gives, which takes RGB 0..255 or centred values."""
        import keras

        from zfnet.model.net.layers import MeanImage

        matrix, offset, first, unknown = np.eye(3), np.zeros(3), "", ""
        weights: dict[str, list[np.ndarray]] = {}
        for layer in _layers(model):
            changed = None if first else _after(layer, matrix, offset)
            if changed:
                matrix, offset = changed
            elif isinstance(layer, keras.layers.Layer) and layer.weights and not isinstance(layer, MeanImage):
                first = first or (layer.name if isinstance(layer, keras.layers.Conv2D) else "")
                weights.setdefault(layer.name, layer.get_weights())
            if not (first or changed or unknown or type(layer).__name__.startswith(SAME_VALUES)):
                unknown = layer.name
        return cls(name, weights, first, matrix, offset, unknown)

    def give(self, net: "keras.Model", scale: float, mean: np.ndarray, frozen: Sequence[str] = ()) -> "Given":
        """Sets the weights of the layers of `net` that have the name and the shapes of a layer here; the classifier stays new.

        Values at the first convolution may have another scale here, or another order of colours: then its kernel is changed such that it
        gives the same activations.

        Args:
            net: takes centred RGB values, and multiplies them by `scale` before its first convolution.
            scale: factor of pixel values.
            mean: the image that is subtracted from those of `net`, float `(height, width, 3)`, values 0..255.
            frozen: names of layers that must fit.

        Raises:
            ValueError: no layer fits, or not all that are frozen; the message lists names and shapes of both nets, of each the first
                twelve. Or the first convolution fits, but it is not known how pixels are changed before it.
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
        if missing := [name for name in frozen if name not in taken]:
            wanted, here = ({name: each[name] for name in missing if name in each} for each in (shapes, found))
            raise ValueError(
                f"A frozen layer keeps the weights of the start, but {self.name} has none that fit {', '.join(missing)}. Looked for "
                f"{_listed(wanted)}; it has {_listed(here)}. Leave these layers out of --freeze, or choose the architecture and the image "
                "size of the start."
            )
        lowest = next((name for name, layer in own.items() if hasattr(layer, "kernel_size")), "")
        if lowest in taken and (unknown := self.unknown if lowest == self.first else self.first):
            raise ValueError(
                f"{self.name} changes pixels by {unknown!r} before {lowest}, and only Rescaling, Normalization of channels and MeanImage "
                f"are understood: the scale of the weights of {lowest} is unknown. Build the model with keras.layers.Rescaling or "
                "Normalization instead, and save it again."
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
    """Result of giving a start to a net.

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


def _after(layer: "keras.Operation", matrix: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Matrix and offset behind a layer, as in `Start`; None if it is not one of those that change pixels in a known way."""
    import keras

    from zfnet.model.net.layers import MeanImage

    if isinstance(layer, MeanImage):
        return matrix, offset - np.asarray(layer.get_weights()[0], np.float64)
    if isinstance(layer, keras.layers.Rescaling):
        return matrix * layer.scale, offset * layer.scale + layer.offset
    if isinstance(layer, keras.layers.Normalization) and not layer.invert and np.size(layer.mean) in (1, matrix.shape[1]):
        mean, variance = (np.asarray(array, np.float64).reshape(-1) for array in (layer.mean, layer.variance))
        deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
        return matrix / deviation, (offset - mean) / deviation
    if isinstance(layer, keras.layers.Conv2D) and layer.name.startswith(LAYER):
        kernel, bias = (np.asarray(array, np.float64) for array in layer.get_weights())
        return matrix @ kernel[0, 0], offset @ kernel[0, 0] + bias
    return None


def _layers(model: "keras.Model") -> Iterator["keras.Operation"]:
    """All layers and operations, those of models within it too, in order."""
    for layer in getattr(model, "operations", model.layers):
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
