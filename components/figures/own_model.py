"""Figures of any Keras model, each by one call."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from zfnet.components.figures.any_inputs import gallery_inputs, project_inputs
from zfnet.components.figures.evolution.column import chosen_maps
from zfnet.components.figures.evolution.draw import check_same_layers, draw_evolution, search_moments
from zfnet.components.figures.evolution.first_found import same_features
from zfnet.components.figures.filters.draw import draw_filters
from zfnet.components.figures.filters.report import MAPS, filter_report
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery import GalleryModel, draw_gallery
from zfnet.components.figures.given_images import GivenImages, image_set, pictures
from zfnet.components.figures.given_model import GivenModel, given_deconvnet, given_labels
from zfnet.components.figures.images import GIVEN, class_number, mean_grey
from zfnet.components.figures.layers import paper_layers
from zfnet.components.figures.occlusion.chart import OcclusionInput
from zfnet.components.figures.occlusion.draw import PREDICTED, draw_occlusion
from zfnet.components.figures.units import unit_name
from zfnet.components.inputs.image_input import takes_photographs
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.project_images import images_layer_check, project_images, projection_grid
from zfnet.components.pictures.projection_checks import layer_numbers
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.model_inputs import Images
from zfnet.model.measures.class_probabilities import class_count

EVOLVING_MAPS = 6  # Zeiler & Fergus 2013, Fig. 4.


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
    units = None if units is None else _checked(units, layer, count)
    if not takes_photographs(deconvnet.model):
        if matters:
            raise ValueError("`matters` is drawn for photographs alone; `strongest_contributions` measures it for any inputs.")
        _refuse_check(check, deconvnet)
        return gallery_inputs(deconvnet, images, layer, units=units, maps=maps, seed=seed, labels=labels)
    search = ExampleSearch(deconvnet, image_set(deconvnet.model, images))
    named = {} if units is None else {layer: units}
    model = GalleryModel(search, labels=labels, named=named, checked=check)
    return draw_gallery(model, [layer], maps=maps, seed=seed, matters=matters)


def project(
    model: GivenModel,
    images: GivenImages | Images,
    layer: str,
    unit: int | None = None,
    *,
    check: bool = False,
    preprocessing: str | None = None,
    labels: Sequence[str] = (),
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws images beside the projection of their strongest activation in a layer (Zeiler & Fergus 2013, section 2.1).

    Args:
        model: as in `gallery`.
        images: as in `gallery`, or one image `(height, width, 3)`. All are drawn on one sheet.
        layer: name of a layer.
        unit: feature map or dense unit; None takes, in each image, the one whose activation is strongest.
        check: as in `gallery`.
        preprocessing: as in `gallery`.
        labels: as in `gallery`.
        unsupported: as in `gallery`.
        rules: as in `gallery`.

    Returns:
        One picture, and for each image the unit, position and activation that is projected. With `check`, `check` for each image, `hidden`,
        the value of hidden pixels in words, and `alike`, means over the images.

    Raises:
        ValueError: as in `gallery`.

    Examples:
        >>> project(model, images, "conv5").numbers["images"][0]["unit"] >= 0
        True
    """
    deconvnet = given_deconvnet(model, preprocessing, unsupported, rules, any_input=True)
    labels = given_labels(model, labels, deconvnet)
    if not takes_photographs(deconvnet.model):
        _refuse_check(check, deconvnet)
        return project_inputs(deconvnet, images, layer, unit, labels)
    given = image_set(deconvnet.model, images)
    shown, grey = pictures(given), mean_grey(deconvnet, given.image_input) if check else None
    found = project_images(deconvnet, shown, layer, unit, grey.values if grey else None)
    headings = [f"{unit_name(deconvnet, layer, each.unit, labels)}, activation {each.activation:.3g}" for each in found]
    numbers = [each.numbers("unit", "position", "activation", "corner", *(["check"] if check else [])) for each in found]
    about: dict[str, Any] = {"layer": layer, "images": numbers}
    if grey:
        about |= {"hidden": grey.source, "alike": layer_numbers(images_layer_check(deconvnet, shown, found))}
    return Figure("project", {"project": projection_grid(shown, found, headings)}, about)


def filters(
    model: GivenModel, images: GivenImages | None = None, *, maps: int = MAPS, seed: int = 0, preprocessing: str | None = None
) -> Figure:
    """Draws and judges the filters of the first layers (Zeiler & Fergus 2013, section 4.1 and Fig. 6).

    Args:
        model: as in `gallery`; layers that a deconvnet is not defined for are allowed.
        images: as in `gallery`, over which dead maps are counted and layer 2 is drawn; None measures the first layer alone.
        maps: feature maps of layer 2 to project.
        seed: decides which maps are drawn.
        preprocessing: as in `gallery`.

    Returns:
        One picture; the numbers hold every measure, and verdicts in words.

    Raises:
        ValueError: the model has no convolution, or weights are not numbers.

    Examples:
        >>> figure = filters(model)
        >>> [verdict["measure"] for verdict in figure.numbers["models"][model.name]["verdicts"]]
        ['structure', 'aliasing', 'filter size']
    """
    deconvnet = given_deconvnet(model, preprocessing, "gradient")
    return draw_filters([filter_report(deconvnet, _search(deconvnet, images), maps=maps, seed=seed)])


def evolution(
    models: Sequence[GivenModel] | Mapping[str, GivenModel],
    images: GivenImages,
    layer: str,
    *,
    units: Sequence[int] | None = None,
    maps: int = EVOLVING_MAPS,
    seed: int = 0,
    preprocessing: str | None = None,
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws how feature maps develop while a model trains: their strongest activations, projected (Zeiler & Fergus 2013, Fig. 4).

    Args:
        models: the model at several moments, in order: the files that `keras.callbacks.ModelCheckpoint` wrote, for example; or a dict of
            models by their titles.
        images: as in `gallery`.
        layer: name of a layer.
        units: feature maps or dense units to draw; None draws the `maps` that differ most at the last moment, out of twice as many random
            ones.
        maps: how many to draw if `units` is None.
        seed: decides which maps are drawn.
        preprocessing: as in `gallery`.
        unsupported: as in `gallery`.
        rules: as in `gallery`.

    Returns:
        One picture with a row for each map and a column for each moment, and the numbers of every activation drawn. Below the number of a
        map is the first moment at which any map correlated with it more than chance explains (see `match`): the same feature, earlier.

    Raises:
        ValueError: as in `gallery`; or there are fewer than two models, or they differ in more than weights.

    Examples:
        >>> evolution({"untrained": model, "trained": model}, images, "conv3", units=[0, 7]).numbers["columns"]
        ['untrained', 'trained']
    """
    models = models if isinstance(models, Mapping) else dict(zip(_titles(models), models, strict=True))
    if len(models) < 2:
        raise ValueError(f"There is {len(models)} model; expected the same net at two moments of a training or more.")
    moments = {title: given_deconvnet(model, preprocessing, unsupported, rules) for title, model in models.items()}
    first = next(iter(moments.values()))
    count = first.graph.unit_count(layer)
    check_same_layers(moments, [layer])
    chosen = chosen_maps(count, 2 * maps, seed) if units is None else _checked(units, layer, count)
    given = image_set(first.model, images)
    columns, same = search_moments(moments.items, given, {layer: chosen}, maps, [] if units is None else [layer])
    last = list(columns.values())[-1]
    features = same_features(moments.items, list(moments.values())[-1], given, {layer: last[layer].maps})
    return draw_evolution(columns, same, given.origins.ids, features)


def occlude(
    model: GivenModel,
    image: GivenImages,
    label: str | int | None = None,
    *,
    layer: str | None = None,
    images: GivenImages | None = None,
    square: int | None = None,
    stride: int | None = None,
    preprocessing: str | None = None,
    labels: Sequence[str] = (),
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws how a prediction changes while a grey square is slid over an image (Zeiler & Fergus 2013, section 4.2 and Fig. 7).

    Args:
        model: as in `gallery`.
        image: `(height, width, 3)`, RGB 0..255, of the size that the model takes; or the path of a photograph.
        label: class whose probability is drawn, by name or number; None takes the predicted one.
        layer: whose strongest map is watched; None takes the one below the last pooling.
        images: others, as in `gallery`, in which the strongest activations of that map are shown; None for none.
        square: side of the square, in pixels; None takes 50 of 224 of the shorter side.
        stride: largest step of the square, in pixels; None takes a 32nd of the shorter side.
        preprocessing: as in `gallery`.
        labels: names of the model's classes.
        unsupported: as in `gallery`.
        rules: as in `gallery`.

    Returns:
        One picture; the numbers hold the activation and the probability at each place.

    Raises:
        ValueError: as in `gallery`; or the square does not fit, or there is no such class.

    Examples:
        >>> figure = occlude(model, images[0], stride=24)
        >>> np.shape(figure.numbers["totals"])
        (5, 5)
    """
    deconvnet = given_deconvnet(model, preprocessing, unsupported, rules)
    labels = given_labels(model, labels, deconvnet)
    shown = pictures(image_set(deconvnet.model, image))
    if len(shown) != 1:
        raise ValueError(f"There are {len(shown)} images; expected one, (height, width, 3), or the path of a photograph.")
    # A number is never a name, though classes may be called "1" and "2".
    number = None if label is None else class_number(str(label), labels if isinstance(label, str) else (), class_count(deconvnet))
    subject = OcclusionInput("image", shown[0], number, PREDICTED if label is None else GIVEN, labels)
    layer = layer or paper_layers(deconvnet).last_map
    return draw_occlusion(deconvnet, subject, layer, search=_search(deconvnet, images), square=square, stride=stride)


def _refuse_check(check: bool, deconvnet: Deconvnet) -> None:
    if check:
        raise ValueError(f"`check` hides pixels of photographs, and the model {deconvnet.model.name!r} takes none; leave it out.")


def _search(deconvnet: Deconvnet, images: GivenImages | None) -> ExampleSearch | None:
    return None if images is None else ExampleSearch(deconvnet, image_set(deconvnet.model, images))


def _checked(units: Sequence[int], layer: str, count: int) -> list[int]:
    if wrong := [unit for unit in units if not 0 <= unit < count]:
        raise ValueError(f"There is no unit {wrong[0]} in layer {layer!r}; it has units 0 to {count - 1}.")
    return sorted(set(units))


def _titles(models: Sequence[GivenModel]) -> list[str]:
    """The names of the files, or numbers if these are not all different."""
    names = ["" if isinstance(model, keras.Model) else pathlib.PurePath(model).stem for model in models]
    return names if all(names) and len(set(names)) == len(names) else [str(number) for number in range(1, len(names) + 1)]
