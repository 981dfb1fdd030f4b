"""Recipe of a training: the choices of a user, and those that follow from the number of examples."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from zfnet.components.training.layer_choice import chosen_layers, layer_factors
from zfnet.model.net.architecture import Architecture
from zfnet.model.net.variation import find_architecture

# Steps that a small net needs to learn something, when the number of epochs is left open.
STEPS = 600
FEWEST_EPOCHS, MOST_EPOCHS = 10, 60
# When the batch is left open: an epoch of a tiny data set still has this many steps.
STEPS_PER_EPOCH = 8
LARGEST_BATCH = 64
# Part of the epochs over which a rate falls that have strong augmentation; in the others a net learns images as they are.
STRONG = 0.4


def choice(
    default: Any,
    help: str,
    *,
    unset: str = "",
    metavar: str = "",
    among: Sequence[str] = (),
    least: float | None = None,
    most: float | None = None,
    option: bool = True,
) -> Any:
    """A field of a record of choices, described once: `zfnet run --help` and Kubeflow's parameters show the same text.

    Args:
        default: its value if nothing is chosen; `unset` says it in words if it is None.
        help: its meaning, in a sentence.
        metavar: the word for its value in `--help`; by default N, SHARE or the option's name.
        among: the values allowed; any if empty.
        least, most: smallest and largest number allowed.
        option: whether it is an option of commands; otherwise only a configuration sets it.
    """
    metadata = {"help": help, "unset": unset, "metavar": metavar, "among": among, "least": least, "most": most, "option": option}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train. Each choice is written here alone: options, parameters of the Trainer and `recipe.json` are made from these fields."""

    architecture: str = choice(
        "zfnet-small",
        "Network: zfnet, alexnet, zfnet-small, ..., or a variation such as zfnet:conv1.kernel=11,without=conv3 (`zfnet compare --help`).",
    )
    epochs: int | None = choice(
        None,
        "Number of epochs. A larger number continues an earlier run with the same settings.",
        unset="it depends on the number of examples",
        least=1,
    )
    batch_size: int | None = choice(None, "Images per training step, over all GPUs.", unset="it depends on the number of examples", least=1)
    learning_rate: float | None = choice(
        None,
        "Learning rate at the start, in proportion for batches smaller than 64 unless both are chosen.",
        unset="the architecture's",
        option=False,
    )
    patience: int = choice(
        5,
        "Epochs without a lower validation error after which the learning rate is divided by ten, if it falls on plateaus.",
        least=1,
        option=False,
    )
    seed: int = choice(0, "Seed of all random numbers.", least=0, most=2**32 - 2)
    crops: str = choice(
        "ten",
        "Crop of each training image, mirrored or not: in a corner or the centre, as in the paper (ten), or at a random position.",
        among=("ten", "random"),
    )
    deterministic: bool = choice(
        True, "With --no-deterministic, training is somewhat faster. By default, the same seed gives the same results to the bit on a CPU."
    )
    mixed_precision: bool | None = choice(
        None,
        "Compute in bfloat16, with weights in float32. Slower on a CPU.",
        unset="on if every GPU has compute capability 8.0 or higher",
    )
    xla: bool | None = choice(
        None,
        "Compile training steps with XLA; needs --no-deterministic. Slower on a CPU.",
        unset="on for GPUs with --no-deterministic",
    )
    augmentation: str = choice(
        "paper",
        "Augmentation of training images. paper: crops only. strong: also size, brightness and colour, while the learning rate is high.",
        among=("paper", "strong"),
    )
    decay_epochs: int | None = choice(
        None,
        "Epochs over which the learning rate of small architectures falls; after them it stays low.",
        unset="the default of --epochs",
        least=1,
    )
    freeze: str | None = choice(
        None,
        "Layers that keep the weights they start with, such as conv1..conv3 or conv1,conv2.",
        unset="all layers are trained",
        metavar="LAYERS",
    )
    layer_rate: str | None = choice(
        None,
        "Factors on the learning rate of layers, such as conv1=0.1 or conv1..conv5=0.1,fc6=0.5.",
        unset="1 for all layers",
        metavar="LAYERS=FACTOR,...",
    )

    def check(self) -> None:
        """Fails if a choice is out of its range.

        Raises:
            ValueError: the message names the choice and the values allowed.
        """
        find_architecture(self.architecture)
        for field in dataclasses.fields(self):
            value, least, among = getattr(self, field.name), field.metadata["least"], field.metadata["among"]
            if least is not None and value is not None and value < least:
                raise ValueError(f"{field.name} is {value}; expected {least} at least.")
            if among and value not in among:
                raise ValueError(f"{field.name} is {value!r}; expected one of: {', '.join(among)}.")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be greater than 0.")
        if "predictions" in self.frozen:
            raise ValueError(f"freeze is {self.freeze!r}, and predictions is the classifier, which is always new; freeze layers below it.")
        if both := sorted(set(self.frozen) & self.layer_factors.keys()):
            raise ValueError(f"{', '.join(both)}: in freeze and also in layer_rate; expected only one of the two.")
        if self.xla and self.deterministic:
            raise ValueError(
                "xla is True, and deterministic too: XLA has no max pooling whose gradient has the same bits each time. Turn one off."
            )

    @property
    def row(self) -> Architecture:
        """The architecture, whose learning rate and schedule are used if none was chosen."""
        return find_architecture(self.architecture)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers with weights, from the image upwards."""
        return (*(layer.name for layer in self.row.layers), "predictions")

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the layers that are not trained."""
        return chosen_layers(self.freeze, self.layers) if self.freeze is not None else ()

    @property
    def layer_factors(self) -> dict[str, float]:
        """Factors on the learning rate of layers, by name; layers without one have 1."""
        return layer_factors(self.layer_rate, self.layers) if self.layer_rate is not None else {}

    def strong_epochs_for(self, examples: int) -> int:
        """Number of epochs, from the first, with strong augmentation: those of a high rate, or all if the rate falls on plateaus."""
        if self.augmentation == "paper":
            return 0
        return round(STRONG * self.decay_epochs_for(examples)) if self.row.schedule == "cosine" else self.epochs_for(examples)

    def batch_for(self, examples: int) -> int:
        """Images a step, given the number of training examples."""
        return min(self.batch_size, examples) if self.batch_size else max(1, min(LARGEST_BATCH, examples // STEPS_PER_EPOCH))

    def learning_rate_for(self, examples: int) -> float:
        """Learning rate at the start, given the number of training examples.

        A small batch gets a rate that is smaller in proportion, unless both were chosen: with 0.01 and batches of nine images the small
        net diverged.
        """
        if self.learning_rate and self.batch_size:
            return self.learning_rate
        return (self.learning_rate or self.row.learning_rate) * min(1, self.batch_for(examples) / LARGEST_BATCH)

    def epochs_for(self, examples: int) -> int:
        """Number of epochs, given the number of training examples."""
        return self.epochs or self._usual_epochs(examples)

    def decay_epochs_for(self, examples: int) -> int:
        """Number of epochs over which a rate with the schedule `cosine` falls.

        If open, it does not depend on `epochs`: so the first epochs of a longer training are those of a shorter one, which it can continue.
        """
        return self.decay_epochs or self._usual_epochs(examples)

    def _usual_epochs(self, examples: int) -> int:
        steps_an_epoch = max(1, examples // self.batch_for(examples))
        return min(max(-(-STEPS // steps_an_epoch), FEWEST_EPOCHS), MOST_EPOCHS)


def divisible_batch_size(batch_size: int, replicas: int) -> int:
    """The largest batch up to `batch_size` of which every replica has the same share, one image at least."""
    return max(replicas, batch_size // replicas * replicas)


def takes_recipe(function: Callable) -> Callable:
    """Decorates a step's function such that its `**choices` are declared as the fields of `Recipe`, each a parameter of the step."""
    signature = inspect.signature(function)
    fields = dataclasses.fields(Recipe)
    kind = inspect.Parameter.KEYWORD_ONLY
    chosen = [inspect.Parameter(field.name, kind, default=field.default, annotation=field.type) for field in fields]
    own = [parameter for parameter in signature.parameters.values() if parameter.kind != inspect.Parameter.VAR_KEYWORD]
    # inspect and typing, by which a step reads its declaration, look at these attributes.
    function.__signature__ = signature.replace(parameters=[*own, *chosen])  # type: ignore[attr-defined]
    function.__annotations__ |= {field.name: field.type for field in fields}
    return function
