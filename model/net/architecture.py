"""The table of architectures: every net that this project builds, by name."""

import dataclasses
import math
from typing import Literal, NamedTuple

# Side and stride of every max pooling, in positions.
POOL, POOL_STRIDE = 3, 2
# Krizhevsky et al. 2012, section 3.3; Zeiler & Fergus do not state theirs.
CONTRAST_ALPHA = 1e-4


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One numbered convolution of an architecture, with the pooling and contrast normalisation that follow it.

    Attributes:
        name: name of the layer, `conv1` to `conv5`.
        filters: number of feature maps.
        kernel: side of the square filters, in positions of the layer below.
        stride: step between neighbouring positions.
        padding: rows and columns of zeros on each side, or `"same"`.
        pool: padding of the 3x3 max pooling of stride 2 above it, `"same"` or `"valid"`; `None` without pooling.
        normalize: `"after"` the pooling (ZFNet), `"before"` it (Krizhevsky et al.), or `None`.

    Raises:
        ValueError: if a number is out of its range.

    Examples:
        >>> Convolution("conv1", filters=96, kernel=7, stride=2, pool="same", normalize="after").padding
        'same'
    """

    name: str
    filters: int
    kernel: int
    stride: int = 1
    padding: int | Literal["same"] = "same"
    pool: Literal["same", "valid"] | None = None
    normalize: Literal["after", "before"] | None = None

    def __post_init__(self) -> None:
        for field, least in (("filters", 1), ("kernel", 1), ("stride", 1), ("padding", 0)):
            number = getattr(self, field)
            if number != "same" and number < least:
                raise ValueError(f"{self.name}.{field} is {number}; it must be at least {least}.")


class Dense(NamedTuple):
    """One fully connected layer below the classifier, `fc6` or `fc7`, with its number of units."""

    name: str
    units: int


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A net as a row of the table: its layers, the input it was made for, its initial weights, and how it learns.

    Attributes:
        convolutions: from the image upwards.
        dense: the fully connected layers below the classifier, as `Dense` or pairs of name and units.
        input_size: default side of the input, in pixels.
        input_scale: factor of centred pixel values (about -128..128) at the input.
        first_stddev: standard deviation of conv1's initial weights, normally distributed.
        deep_stddev: the same for the layers above; `None` for He et al. 2015.
        contrast_alpha: factor of the squares that the contrast normalisation sums, see `ContrastNormalization`.
        rms_radius: largest root mean square of a convolution filter; larger ones are scaled back to it.
        dropout: share of the units of each fully connected layer below the classifier that a training step leaves out.
        learning_rate: of SGD at the start of a training, for batches of 64.
        schedule: how it falls: `"plateau"`, to a tenth each time the validation error stops falling (the paper's), or `"cosine"`, along
            half a cosine to a fiftieth.
        weight_decay: share of each kernel, times the learning rate, that a step takes away (Loshchilov & Hutter 2019); 0 for none.

    Raises:
        ValueError: if there is no convolution, or a number is out of its range.

    Examples:
        >>> ARCHITECTURES["zfnet"].with_units(2048) == ARCHITECTURES["zfnet-dense-2048"]
        True
    """

    convolutions: tuple[Convolution, ...]
    dense: tuple[Dense, ...] = (Dense("fc6", 4096), Dense("fc7", 4096))
    input_size: int = 224
    input_scale: float = 1.0
    first_stddev: float = 0.01
    deep_stddev: float | None = 0.01
    contrast_alpha: float = CONTRAST_ALPHA
    rms_radius: float = 0.1
    dropout: float = 0.5
    learning_rate: float = 0.01
    schedule: Literal["plateau", "cosine"] = "plateau"
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "dense", tuple(Dense(*layer) for layer in self.dense))
        if not self.convolutions:
            raise ValueError("There is no convolution left; a net needs one at least.")
        names = ("input_size", "input_scale", "first_stddev", "deep_stddev", "contrast_alpha", "rms_radius", "learning_rate")
        positive = {name: getattr(self, name) for name in names}
        for name, number in {**positive, **{f"{layer.name}.units": layer.units for layer in self.dense}}.items():
            if number is not None and not 0 < number < math.inf:
                raise ValueError(f"{name} is {number}; it must be greater than 0, and finite.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it must be at least 0 and less than 1.")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay is {self.weight_decay}; it must be at least 0, and finite.")

    @property
    def layers(self) -> tuple[Convolution | Dense, ...]:
        """All layers with weights except the classifier, from the image upwards."""
        return (*self.convolutions, *self.dense)

    def check_size(self, height: int, width: int) -> None:
        """Fails with a ValueError if images of this size are too small; it names the layer that has too few positions."""
        sides = height, width
        larger = f"give a larger image (the net was made for {self.input_size})."
        for layer in self.convolutions:
            if layer.padding == "same":
                sides = tuple(-(-side // layer.stride) for side in sides)
            else:
                padded = tuple(side + 2 * layer.padding for side in sides)
                if min(padded) < layer.kernel:
                    filters, below = f"{layer.kernel} x {layer.kernel}", f"{padded[0]} x {padded[1]}"
                    raise ValueError(f"{layer.name} has filters of {filters}, but only {below} positions below it; {larger}")
                sides = tuple((side - layer.kernel) // layer.stride + 1 for side in padded)
            if layer.pool == "valid":
                if min(sides) < POOL:
                    pool = layer.name.replace("conv", "pool")
                    raise ValueError(f"{pool} needs {POOL} x {POOL} positions, but {layer.name} has {sides[0]} x {sides[1]}; {larger}")
                sides = tuple((side - POOL) // POOL_STRIDE + 1 for side in sides)
            elif layer.pool == "same":
                sides = tuple(-(-side // POOL_STRIDE) for side in sides)

    def without(self, *names: str) -> "Architecture":
        """The same net without the layers called `names`, as in the rows of Table 3."""
        return dataclasses.replace(
            self,
            convolutions=tuple(layer for layer in self.convolutions if layer.name not in names),
            dense=tuple(layer for layer in self.dense if layer.name not in names),
        )

    def with_filters(self, **filters: int) -> "Architecture":
        """The same net with other numbers of feature maps, as in `with_filters(conv3=512, conv4=1024)`."""
        return dataclasses.replace(
            self,
            convolutions=tuple(dataclasses.replace(layer, filters=filters.get(layer.name, layer.filters)) for layer in self.convolutions),
        )

    def with_units(self, units: int) -> "Architecture":
        """The same net with `units` units in each fully connected layer."""
        return dataclasses.replace(self, dense=tuple(layer._replace(units=units) for layer in self.dense))

    def normalized_before_pooling(self, alpha: float) -> "Architecture":
        """The same net with each contrast normalisation before its pooling, and another `contrast_alpha`."""
        layers = tuple(dataclasses.replace(layer, normalize=layer.normalize and "before") for layer in self.convolutions)
        return dataclasses.replace(self, convolutions=layers, contrast_alpha=alpha)

    def small(self) -> "Architecture":
        """The same topology at half the width, for 96 pixel inputs and hundreds of steps instead of hundreds of thousands.

        A net this size does not start to learn with a standard deviation of 0.01 in every layer; with He's above conv1 it does. Initial
        noise stays in conv1's filters: drawn with 0.0003, the learned part outgrows it in some dozen steps. Inputs are
        smaller, so weights are larger, and a radius of 0.1 would limit them too much. `benchmarks/recipe.py` has the trials.
        """
        halved = self.with_filters(**{layer.name: layer.filters // 2 for layer in self.convolutions}).with_units(512)
        starts = dataclasses.replace(halved, input_size=96, input_scale=1 / 64, first_stddev=0.0003, deep_stddev=None, rms_radius=0.2)
        return dataclasses.replace(starts, learning_rate=0.02, schedule="cosine", weight_decay=0.05)


# Zeiler & Fergus 2013 (v3), Fig. 3. Reading: padding 1 in conv1, which gives the figure's 110 (`same` would give 112).
ZFNET = Architecture(
    convolutions=(
        Convolution("conv1", 96, 7, stride=2, padding=1, pool="same", normalize="after"),
        Convolution("conv2", 256, 5, stride=2, padding=0, pool="same", normalize="after"),
        Convolution("conv3", 384, 3),
        Convolution("conv4", 384, 3),
        Convolution("conv5", 256, 3, pool="valid"),
    )
)
# Krizhevsky et al. 2012 on one GPU, without the split into groups; it normalises before it pools.
ALEXNET = Architecture(
    convolutions=(
        Convolution("conv1", 96, 11, stride=4, padding=2, pool="valid", normalize="before"),
        Convolution("conv2", 256, 5, padding=2, pool="valid", normalize="before"),
        Convolution("conv3", 384, 3),
        Convolution("conv4", 384, 3),
        Convolution("conv5", 256, 3, pool="valid"),
    )
)
WIDE = {"conv3": 512, "conv4": 1024, "conv5": 512}
ARCHITECTURES: dict[str, Architecture] = {
    "zfnet": ZFNET,
    "alexnet": ALEXNET,
    # The other rows of Table 3.
    "alexnet-without-3-4": ALEXNET.without("conv3", "conv4"),
    "alexnet-without-7": ALEXNET.without("fc7"),
    "alexnet-without-6-7": ALEXNET.without("fc6", "fc7"),
    "alexnet-without-3-4-6-7": ALEXNET.without("conv3", "conv4", "fc6", "fc7"),
    "alexnet-dense-2048": ALEXNET.with_units(2048),
    "alexnet-dense-8192": ALEXNET.with_units(8192),
    "zfnet-dense-2048": ZFNET.with_units(2048),
    "zfnet-dense-8192": ZFNET.with_units(8192),
    "zfnet-wide": ZFNET.with_filters(**WIDE),
    "zfnet-wide-dense-8192": ZFNET.with_filters(**WIDE).with_units(8192),
    # Two ZFNets that others trained on ImageNet (github.com/osmr/imgclsmob). There alpha is 1e-4, divided by the number of maps.
    "imgclsmob-zfnet": ZFNET.normalized_before_pooling(2e-5),
    "imgclsmob-zfnetb": ZFNET.with_filters(**WIDE).normalized_before_pooling(2e-5),
    # For `photo_patches` and folders of photographs.
    "zfnet-small": ZFNET.small(),
    "alexnet-small": ALEXNET.small(),
}
