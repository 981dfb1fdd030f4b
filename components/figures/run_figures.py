"""The figures that `zfnet run` draws of a trained net, in the order of the report."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from etils import epy

from zfnet.components.pictures.figure import Figure

# The report reads titles and descriptions alone, and must not wait for TensorFlow.
with epy.lazy_imports():
    import keras

    from zfnet.components.figures import feature_sheet, fine_tuning, layers
    from zfnet.components.figures.filters import draw as filters
    from zfnet.components.figures.filters import report
    from zfnet.components.figures.gallery import example_search, gallery
    from zfnet.components.figures.occlusion import draw as occlusion


class TrainedNet(NamedTuple):
    """The net and the validation examples, searched once for all figures; number of maps of a layer in the gallery; random seed.

    `start` is the net before its first step, if its training started from another network.
    """

    search: "example_search.ExampleSearch"
    maps: int
    seed: int
    start: "keras.Model | None" = None


class RunFigure(NamedTuple):
    """One figure of a run.

    Attributes:
        title: heading in the report.
        description: text below the heading, and in TensorBoard below each picture.
        draw: draws the figure, or returns None if there is nothing to draw; None for pictures that the training draws.
    """

    title: str
    description: str
    draw: Callable[[TrainedNet], Figure | None] | None


def _gallery(net: TrainedNet) -> Figure:
    drawn: Sequence[str] = layers.default_layers(net.search.deconvnet)
    return gallery.draw_gallery(gallery.GalleryModel(net.search), drawn, maps=net.maps, seed=net.seed)


def _occlusion(net: TrainedNet) -> Figure | None:
    deconvnet = net.search.deconvnet
    layer = layers.paper_layers(deconvnet).last_map
    subject = occlusion.recognized_example(deconvnet, net.search.images, layer, net.seed)
    try:
        return occlusion.draw_occlusion(deconvnet, subject, layer, search=net.search)
    except occlusion.NoActiveMapError as error:  # A net that hardly trained may have no active map there: the other figures say more.
        print(f"No occlusion was drawn: {error}")
        return None


# By the name that files and TensorBoard's tags begin with. A new figure is one file with the function that draws it, and an entry here.
RUN_FIGURES = {
    "features": RunFigure(
        "Features of all layers",
        "From the image upwards: the filters of the first layer; then, for each layer, feature maps that are chosen to differ, with their "
        "nine strongest activations over the validation examples, projected to pixels by the deconvnet, beside the patches of the images "
        "(Zeiler & Fergus 2013, Fig. 2). Grey is 0.",
        lambda net: feature_sheet.draw_features(net.search),
    ),
    "gallery": RunFigure(
        "Feature maps at random",
        "The nine strongest activations of some feature maps over the validation examples, at nine different places: projected to pixels "
        "(left), and the patches of the images (right).",
        _gallery,
    ),
    "evolution": RunFigure(
        "Development of features",
        "Left: the strongest activation of a map over the training examples, after some epochs, with its patch (Fig. 4). A row "
        "jumps when another image becomes the strongest. Right: the activation of the same map at its last patch, after each of these "
        "epochs. Grey is 0.",
        None,
    ),
    "fine_tuning": RunFigure(
        "What fine-tuning changed",
        "How far the weights of each layer moved from those of the network that the training started from. Then, for each layer, the same "
        "feature maps before and after: left, the strongest activation over the validation examples, with its patch; right, the "
        "activation at the patch that is the strongest after. Grey is 0.",
        lambda net: fine_tuning.draw_fine_tuning(net.search, net.start, net.seed) if net.start else None,
    ),
    "filters": RunFigure(
        "The first layers",
        "Filters of layers 1 and 2, and their measures: structure, aliasing, the RMS clip, maps that are never positive, and how "
        "evenly activation is spread over maps (Fig. 6).",
        lambda net: filters.draw_filters([report.filter_report(net.search.deconvnet, net.search, seed=net.seed)]),
    ),
    "occlusion": RunFigure(
        "What the prediction depends on",
        "A grey square slides over a validation example. The activation of the strongest map and the probability fall where the square "
        "covers what the prediction depends on (Fig. 7). The example is chosen because its probability falls at one position.",
        _occlusion,
    ),
}
