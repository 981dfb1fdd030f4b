"""The figures that `zfnet run` draws of a trained net, in the order of the report."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from etils import epy

from zfnet.components.artifacts import Evaluation, Statistics
from zfnet.components.evaluation.confusion import read_confusion
from zfnet.components.pictures.figure import Figure

# The report reads titles and descriptions alone, and must not wait for TensorFlow.
with epy.lazy_imports():
    import keras

    from zfnet.components.figures import feature_sheet, fine_tuning, layers
    from zfnet.components.figures.filters import draw as filters
    from zfnet.components.figures.filters import report
    from zfnet.components.figures.gallery import example_search, gallery
    from zfnet.components.figures.mistakes import calibration, classes, confusion, mistaken
    from zfnet.components.figures.occlusion import draw as occlusion


class TrainedNet(NamedTuple):
    """A trained net, from which the figures of a run are drawn.

    Attributes:
        search: the net and the validation examples, searched once for all figures.
        maps: number of maps of a layer in the gallery.
        seed: random seed.
        evaluation: the evaluation of the net; without it nothing is drawn about its errors.
        statistics: of the examples; without them no classes are drawn.
        start: the net before its first step, if its training started from another network.
    """

    search: "example_search.ExampleSearch"
    maps: int
    seed: int
    evaluation: Evaluation | None = None
    statistics: Statistics | None = None
    start: "keras.Model | None" = None

    def evaluated(self, name: str) -> Any:
        """An entry of `evaluation.json`; None if there is none, as in evaluations that were made before there was one."""
        return self.evaluation.read_json("evaluation.json").get(name) if self.evaluation else None


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


def _mistakes(net: TrainedNet) -> Figure | None:
    found = net.evaluated("mistakes")
    return mistaken.draw_mistakes(net.search, found) if found else None


def _classes(net: TrainedNet) -> Figure | None:
    found = net.evaluated("classes")
    if not found or net.statistics is None:
        return None
    return classes.draw_classes(net.search.images, found, net.statistics.read_json("statistics.json")["brightness"])


def _confusion(net: TrainedNet) -> Figure | None:
    found = read_confusion(net.evaluation) if net.evaluation else None
    return None if found is None else confusion.draw_confusion(net.search.images.labels, found)


def _calibration(net: TrainedNet) -> Figure | None:
    found = net.evaluated("calibration")
    return calibration.draw_calibration(found, net.evaluated("expected_calibration_error")) if found else None


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
    "mistakes": RunFigure(
        "The most confident mistakes",
        "Validation examples whose wrong answers have the highest probability. Are their labels right? Beside each: the deconvnet's "
        "projections of the class that was predicted and of the true class, from the activations before the softmax, both at the same "
        "scale. Such projections hardly depend on the class, and are no reason for the answer: compare how strong they are. A negative "
        "activation shows evidence against its class. Grey is 0.",
        _mistakes,
    ),
    "classes": RunFigure(
        "The classes with the highest error",
        "Validation examples of at most twenty classes, the highest top-1 error first, with the mean brightness of their training images. "
        "A class that is darker than the others, or whose photographs are of another kind, was perhaps taken in another way.",
        _classes,
    ),
    "confusion": RunFigure(
        "Which classes are mistaken for each other",
        "Rows are true classes, columns are predicted classes. Classes that are mistaken for each other are side by side.",
        _confusion,
    ),
    "calibration": RunFigure(
        "How far the probabilities can be trusted",
        "Left: the share of best guesses that is right, by their probability. On the dashed line both are equal; below it, the net is too "
        "sure. Right: the number of validation examples.",
        _calibration,
    ),
    "features": RunFigure(
        "Features of all layers",
        "From the image upwards: the filters of the first layer; then, for each layer, feature maps that are chosen to differ, with their "
        "nine strongest activations over the validation examples, projected to pixels by the deconvnet, beside the patches of the images "
        "(Zeiler & Fergus 2013, Fig. 2). Grey is 0. Behind the number of a map is the class whose images activate it most, with the area "
        "under the ROC curve (AUC): 0.5 is chance, 1 is perfect.",
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
