"""Values for the inputs of a model: one array, or a list or dict of several; and results in the same form."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.readable_model import functional

Images: TypeAlias = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]


class InputForm(NamedTuple):
    """The form in which the values of a model's inputs are given.

    Attributes:
        names: of the inputs: keys if the model takes a dict, else names of its Input layers.
        form: `dict`, `list`, or None for the array of a model that has one input.

    Examples:
        >>> form = InputForm(["left", "right"], dict)
        >>> form.join([1, 2])
        {'left': 1, 'right': 2}
    """

    names: list[str]
    form: type | None

    @classmethod
    def of(cls, model: keras.Model, images: Images) -> "InputForm":
        """Finds the form of some images, with a ValueError if the model does not take it."""
        names = input_names(model)
        if isinstance(images, Mapping):
            if set(images) != set(names):
                raise ValueError(f"The images are a dict of {_listed(images)}; the model {model.name!r} takes {_listed(names)}.")
            return cls(names, dict)
        if len(names) == 1:
            return cls(names, None)
        if not isinstance(images, list | tuple) or len(images) != len(names):
            came = f"{len(images)} values" if isinstance(images, list | tuple) else f"one of shape {np.asarray(images).shape}"
            raise ValueError(
                f"The model {model.name!r} has {len(names)} inputs: {_listed(names)}. Expected a list of as many arrays in this order, or "
                f"a dict of them, not {came}."
            )
        return cls(names, list)

    def split(self, images: Any) -> list[Any]:
        """The values of each input, in the model's order."""
        return [images[name] for name in self.names] if self.form is dict else list(images) if self.form is list else [images]

    def join(self, parts: Sequence[Any]) -> Any:
        """The inverse of `split`: one value for each input, in the form of the images."""
        return dict(zip(self.names, parts, strict=True)) if self.form is dict else list(parts) if self.form is list else parts[0]


def input_names(model: keras.Model) -> list[str]:
    """Names of a model's inputs, in its order: keys if it takes a dict, else names of its Input layers.

    Examples:
        >>> image, mask = keras.Input((8, 8, 3), name="image"), keras.Input((8, 8, 1), name="mask")
        >>> input_names(keras.Model([image, mask], keras.layers.Concatenate()([image, mask])))
        ['image', 'mask']
    """
    structure = functional(model).input
    keys = {id(tensor): key for key, tensor in structure.items()} if isinstance(structure, Mapping) else {}
    return [keys.get(id(tensor), tensor.name) for tensor in model.inputs]


def input_number(model: keras.Model, name: str | None) -> int:
    """Number of an input in the model's order, by its name; None names the only input. Any other name is a ValueError."""
    names = input_names(model)
    if name is None and len(names) == 1:
        return 0
    if name not in names:
        raise ValueError(f"The model {model.name!r} has the inputs {_listed(names)}; expected one of these names, not {name!r}.")
    return names.index(name)


def _listed(names):
    return ", ".join(map(repr, names))
