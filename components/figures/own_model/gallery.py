"""A gallery of feature maps of any Keras model, by one call."""

from collections.abc import Mapping, Sequence
from typing import Any

from zfnet.components.figures.any_inputs import gallery_inputs, refuse_check
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery import GalleryModel, draw_gallery
from zfnet.components.figures.given_images import GivenImages, image_set
from zfnet.components.figures.given_model import GivenModel, given_deconvnet, given_labels
from zfnet.components.figures.units import checked_units
from zfnet.components.inputs.image_input import takes_photographs
from zfnet.components.pictures.figure import Figure
from zfnet.model.deconvnet.model_inputs import Images


def gallery(
    model: GivenModel,
    images: GivenImages | Images,
    layer: str,
    *,
    units: Sequence[int] | None = None,
    maps: int = 9,
    seed: int = 0,
    matters: bool = False,
    check: bool = False,
    preprocessing: str | None = None,
    labels: Sequence[str] = (),
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws the nine strongest activations of feature maps over images: projections beside patches (Zeiler & Fergus 2013, Fig. 2).

    Args:
        model: a Keras model of convolutions, pools, dense layers, ReLUs and the like; the path of a `.keras` or `.h5` file; or a net of
            `keras.applications` by name: `"keras:VGG16"`, or `"keras:VGG16?weights=none"` with random weights.
        images: an array `(N, height, width, 3)`, RGB 0..255, of the size that the model takes; the path of a photograph or of a folder,
            whose photographs are cut and shrunk to that size; or a `tf.data.Dataset` or `PyDataset` of such arrays, with or without labels,
            that does not shuffle. You can give any number of images: they run through the model in batches, and files are read when they
            are needed. For a model of signals, volumes or several inputs: an array, or a list or dict of arrays, as the model takes it.
        layer: name of a layer.
        units: feature maps or dense units to draw; None draws `maps` random ones that are ever positive.
        maps: how many to draw if `units` is None.
        seed: decides which maps are drawn.
        matters: beside them, draws the images in which each map matters most for the class that is predicted
            (`strongest_contributions`). For photographs alone.
        check: also measure whether to believe each projection: bars under it, and numbers under `check` and `alike`, see `check_projection`
            and `check_layers`. It takes longer, and is for photographs only.
        preprocessing: the values that the model takes instead of RGB 0..255: `"unit"`, `"tf"`, `"caffe"` or `"torch"`; None is `"raw"`, and
            a net of `keras.applications` has its own.
        labels: names of the model's classes, for the headings; a net of `keras.applications` has its own.
        unsupported: as in `Deconvnet`, for layers without a backward rule.
        rules: as in `Deconvnet`.

    Returns:
        One picture, with the numbers of every activation drawn. Signals are drawn as curves, volumes as three planes through the voxel
        where the projection is largest; the projection is under the part of the input that the unit sees.

    Raises:
        ValueError: there is no such layer or unit, images are not as expected, or a deconvnet is not defined for a layer.

    Examples:
        >>> figure = gallery(model, images, "conv3", units=[0, 7])
        >>> figure.save(tmp_path / "conv3.png")[0].name
        'conv3.png'
    """
    deconvnet = given_deconvnet(model, preprocessing, unsupported, rules, any_input=True)
    labels = given_labels(model, labels, deconvnet)
    count = deconvnet.graph.unit_count(layer)
    units = None if units is None else checked_units(units, layer, count)
    if not takes_photographs(deconvnet.model):
        if matters:
            raise ValueError("`matters` is drawn for photographs alone; `strongest_contributions` measures it for any inputs.")
        refuse_check(deconvnet, check)
        return gallery_inputs(deconvnet, images, layer, units=units, maps=maps, seed=seed, labels=labels)
    search = ExampleSearch(deconvnet, image_set(deconvnet.model, images))
    named = {} if units is None else {layer: units}
    model = GalleryModel(search, labels=labels, named=named, checked=check)
    return draw_gallery(model, [layer], maps=maps, seed=seed, matters=matters)
