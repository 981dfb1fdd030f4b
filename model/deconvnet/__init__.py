"""Looking inside a network: deconvnet projections, strongest activations, receptive fields."""

from zfnet.model.deconvnet.deconvnet import Deconvnet

__all__ = ["Deconvnet"]
