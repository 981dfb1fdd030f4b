"""MODEL by name: the prefixes, such as `keras:` in `keras:VGG16`, and the nets behind them."""

from typing import TypeAlias

from zfnet.components.inputs.imgclsmob_net import ImgclsmobNet
from zfnet.components.inputs.keras_net import KerasNet

NamedNet: TypeAlias = KerasNet | ImgclsmobNet
NETS: dict[str, type[NamedNet]] = {net.PREFIX: net for net in (KerasNet, ImgclsmobNet)}


def named_net(model: object) -> NamedNet | None:
    """The net that MODEL names by a prefix; None for anything else, such as a path. Nothing is built or downloaded.

    Raises:
        ValueError: there is no net of this name behind the prefix.

    Examples:
        >>> named_net("imgclsmob:zfnet").preprocessing
        'torch'
    """
    for prefix, net in NETS.items():
        if isinstance(model, str) and model.startswith(prefix):
            return net.of(model)
    return None
