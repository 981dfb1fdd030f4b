"""captum's `Deconvolution`, on a copy of the net in PyTorch.

It is the deconvnet but for one thing: a signal comes down through a contrast normalisation by its gradient, which the paper passes by.
"""

from importlib import metadata

import numpy as np

from peers.zfnet_in_torch import zfnet_in_torch

NAME = "captum Deconvolution"


def version() -> str:
    """Versions of captum and of the PyTorch below it."""
    return f"{metadata.version('captum')} on torch {metadata.version('torch')}"


def make_projector(model, layer: str):
    """Prepares projections from `layer` of a Keras ZFNet.

    Args:
        model: see `zfnet_in_torch`.
        layer: name of the layer.

    Returns:
        The function `project(images, unit, positions)`.
    """
    import torch
    from captum.attr import Deconvolution

    # The net ends at the layer, so that a target is a unit and its position, and nothing above is computed.
    deconvolution = Deconvolution(zfnet_in_torch(model, layer))

    def project(images, unit, positions):
        batch = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        units = np.broadcast_to(unit, len(images))
        targets = [(int(unit), int(row), int(column)) for unit, (row, column) in zip(units, positions, strict=True)]
        return deconvolution.attribute(batch.requires_grad_(), target=targets).numpy().transpose(0, 2, 3, 1)

    return project
