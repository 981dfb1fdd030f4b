"""See what a convolutional network sees: ZFNet, deconvnet projections, and figures of any Keras model.

This is the public surface; modules behind it may move. Names are imported when they are first used, so that `import zfnet` takes a few
hundredths of a second.
"""

from etils import epy

with epy.lazy_api_imports(globals()):
    from zfnet.components.figures.given_model import open_model
    from zfnet.components.figures.matching.draw import match
    from zfnet.components.figures.methods import methods
    from zfnet.components.figures.own_model.evolution import evolution
    from zfnet.components.figures.own_model.filters import filters
    from zfnet.components.figures.own_model.gallery import gallery
    from zfnet.components.figures.own_model.occlude import occlude
    from zfnet.components.figures.own_model.project import project
    from zfnet.components.pictures.figure import Figure
    from zfnet.components.training.callbacks.watch_features import WatchFeatures
    from zfnet.model.deconvnet.deconvnet import Deconvnet
    from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest, project_strongest
    from zfnet.model.deconvnet.receptive_field import ReceptiveField, receptive_field
    from zfnet.model.deconvnet.recording import Recording
    from zfnet.model.deconvnet.rules.chosen.choices import Rule, register
    from zfnet.model.deconvnet.rules.window import Window
    from zfnet.model.deconvnet.strongest import Strongest, strongest_activations
    from zfnet.model.measures.class_answers import ClassAnswers, class_answers
    from zfnet.model.measures.contributions import Contributions, strongest_contributions
    from zfnet.model.measures.projection_check import PixelCheck, check_projection
    from zfnet.model.measures.shuffled_weights import LayerCheck, Likeness, check_layers
    from zfnet.model.net.architecture import ARCHITECTURES, Architecture, Convolution
    from zfnet.model.net.build import AlexNet, ZFNet, build
    from zfnet.model.net.evaluation import TopKError, ten_crop, top_k_error
    from zfnet.model.net.layers import ContrastNormalization, FilterRmsClip, MeanImage, clip_filter_rms

__all__ = [
    "ARCHITECTURES",
    "AlexNet",
    "Architecture",
    "ClassAnswers",
    "ContrastNormalization",
    "Contributions",
    "Convolution",
    "Deconvnet",
    "Figure",
    "FilterRmsClip",
    "LayerCheck",
    "Likeness",
    "MeanImage",
    "PixelCheck",
    "ProjectedStrongest",
    "ReceptiveField",
    "Recording",
    "Rule",
    "Strongest",
    "TopKError",
    "WatchFeatures",
    "Window",
    "ZFNet",
    "build",
    "check_layers",
    "check_projection",
    "class_answers",
    "clip_filter_rms",
    "evolution",
    "filters",
    "gallery",
    "match",
    "methods",
    "occlude",
    "open_model",
    "project",
    "project_strongest",
    "receptive_field",
    "register",
    "strongest_activations",
    "strongest_contributions",
    "ten_crop",
    "top_k_error",
]
