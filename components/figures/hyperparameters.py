"""What tells an architecture from others, as columns of a table."""

from typing import Any

from zfnet.model.net.architecture import ARCHITECTURES, Convolution, Dense, find_architecture


def hyperparameters(name: str) -> dict[str, str | int]:
    """The hyperparameters of an architecture.

    Args:
        name: its name, see `find_architecture`.

    Returns:
        `architecture` (the row of the table that it is a variation of), `variation`, `without` (the layers that any other row has), the
        kernel and stride of `conv1`, and the width of every layer, 0 where it is left out.

    Examples:
        >>> hyperparameters("alexnet-small:without=conv3,conv1.stride=2")["conv1.stride"]
        2
    """
    base, _, variation = name.partition(":")
    layers = {layer.name: layer for layer in find_architecture(name).layers}
    first = layers.get("conv1")
    known = sorted({layer.name for row in ARCHITECTURES.values() for layer in row.layers} | layers.keys())
    return {
        "architecture": base,
        "variation": variation,
        "without": " ".join(layer for layer in known if layer not in layers),
        "conv1.kernel": first.kernel if isinstance(first, Convolution) else 0,
        "conv1.stride": first.stride if isinstance(first, Convolution) else 0,
        **{layer: _width(layers.get(layer)) for layer in known},
    }


def training_hyperparameters(recipe: dict[str, Any], image_size: int) -> dict[str, str | int | float]:
    """The hyperparameters of a training: those of its architecture, and what of the recipe is often changed.

    Args:
        recipe: `recipe.json` of the trained model.
        image_size: side of the net's input, in pixels.
    """
    chosen = {name: recipe[name] for name in ("epochs", "batch_size", "learning_rate", "seed")}
    return hyperparameters(recipe["architecture"]) | {"image_size": image_size} | chosen


def _width(layer: Convolution | Dense | None) -> int:
    return 0 if layer is None else layer.filters if isinstance(layer, Convolution) else layer.units
