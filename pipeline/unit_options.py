"""Options that say which layers of a model are drawn, and which of their units."""

from collections.abc import Callable

import click

# Where galleries and evolutions are drawn from if no layer is named.
DRAWN_LAYERS = "the ReLUs of all Conv2D layers, or of five, evenly spread, where there are more than ten"

named_maps_option = click.option(
    "--map",
    "named",
    multiple=True,
    metavar="LAYER/NUMBER",
    help="Draw this map, instead of ones at random, such as conv3/17; of the layer of the classes the class's name will do too, "
    "predictions/coffee. Several times for several maps.",
)


def maps_option(default: int, which: str) -> Callable:
    """The option `--maps`.

    Args:
        default: how many.
        which: the maps that they are drawn from.
    """
    return click.option(
        "--maps",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="N",
        help=f"Feature maps (or dense units) of each layer, drawn at random from {which}.",
    )
