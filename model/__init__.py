"""The network, and how to look inside one.

Names are imported at their first use, so that `from zfnet.model.net.architecture import ARCHITECTURES` does not wait for TensorFlow.
Loading a `.keras` file of this project needs its layers registered with Keras: importing one of them does that.
"""

from etils import epy

with epy.lazy_api_imports(globals()):
    from zfnet.model.deconvnet.deconvnet import Deconvnet
    from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest, project_strongest
    from zfnet.model.deconvnet.receptive_field import ReceptiveField, receptive_field
    from zfnet.model.deconvnet.recording import Recording
    from zfnet.model.deconvnet.strongest import Strongest, strongest_activations
    from zfnet.model.net.architecture import ARCHITECTURES, Architecture, Convolution
    from zfnet.model.net.build import AlexNet, ZFNet, build
    from zfnet.model.net.evaluation import TopKError, ten_crop, top_k_error
    from zfnet.model.net.layers import ContrastNormalization, FilterRmsClip, MeanImage, clip_filter_rms

__all__ = [
    "ARCHITECTURES", "AlexNet", "Architecture", "ContrastNormalization", "Convolution", "Deconvnet", "FilterRmsClip", "MeanImage",
    "ProjectedStrongest", "ReceptiveField", "Recording", "Strongest", "TopKError", "ZFNet", "build", "clip_filter_rms",
    "project_strongest", "receptive_field", "strongest_activations", "ten_crop", "top_k_error",
]  # fmt: skip
