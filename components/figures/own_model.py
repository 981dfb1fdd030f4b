"""Figures of a Keras model and images in memory, each by one call."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from zfnet.components.figures.filters.draw import draw_filters
from zfnet.components.figures.filters.report import MAPS, filter_report
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery import GalleryModel, draw_gallery
from zfnet.components.figures.images import GIVEN, ImageSet, class_number
from zfnet.components.figures.layers import paper_layers
from zfnet.components.figures.occlusion.chart import OcclusionInput
from zfnet.components.figures.occlusion.draw import PREDICTED, draw_occlusion
from zfnet.components.figures.units import unit_name
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.project_images import project_images, projection_grid
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_count

AnyModel: TypeAlias = keras.Model | str | os.PathLike


def gallery(
    model: AnyModel,
    images: np.ndarray,
    layer: str,
    *,
    units: Sequence[int] | None = None,
    maps: int = 9,
    seed: int = 0,
    preprocessing: str = "raw",
    labels: Sequence[str] = (),
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws the nine strongest activations of feature maps over images: projections beside patches (Zeiler & Fergus 2013, Fig. 2).

    Args:
        model: a Keras model of convolutions, pools, dense layers, ReLUs and the like, or the path of a `.keras` or `.h5` file.
        images: `(N, height, width, 3)`, RGB 0..255, of the size that the model takes. They run through the model in batches: any number
            takes little more memory than the images themselves.
        layer: name of a layer.
        units: feature maps or dense units to draw; None draws `maps` random ones that are ever positive.
        maps: how many.
        seed: decides which.
        preprocessing: the values that the model takes instead of RGB 0..255, see `with_preprocessing`.
        labels: names of the model's classes, for the headings.
        unsupported: as in `Deconvnet`, for layers without a backward rule.
        rules: as in `Deconvnet`.

    Returns:
        One picture, with the numbers of every activation drawn.

    Raises:
        ValueError: there is no such layer or unit, images are not as expected, or a deconvnet is not defined for a layer.

    Examples:
        >>> figure = gallery(model, images, "conv3", units=[0, 7])
        >>> figure.save(tmp_path / "conv3.png")[0].name
        'conv3.png'
    """
    deconvnet = _deconvnet(model, preprocessing, unsupported, rules)
    count = deconvnet.graph.unit_count(layer)
    if units is not None and (wrong := [unit for unit in units if not 0 <= unit < count]):
        raise ValueError(f"There is no unit {wrong[0]} in layer {layer!r}; it has units 0 to {count - 1}.")
    named = {} if units is None else {layer: sorted(set(units))}
    search = ExampleSearch(deconvnet, ImageSet.of_array(deconvnet.model, images))
    return draw_gallery(GalleryModel(search, labels=labels, named=named), [layer], maps=maps, seed=seed)


def project(
    model: AnyModel,
    images: np.ndarray,
    layer: str,
    unit: int | None = None,
    *,
    preprocessing: str = "raw",
    labels: Sequence[str] = (),
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws images beside the projection of their strongest activation in a layer (Zeiler & Fergus 2013, section 2.1).

    Args:
        model: as in `gallery`.
        images: as in `gallery`, or one image `(height, width, 3)`.
        layer: name of a layer.
        unit: feature map or dense unit; None takes, in each image, the one whose activation is strongest.
        preprocessing: as in `gallery`.
        labels: as in `gallery`.
        unsupported: as in `gallery`.
        rules: as in `gallery`.

    Returns:
        One picture, and for each image the unit, position and activation that is projected.

    Raises:
        ValueError: as in `gallery`.

    Examples:
        >>> project(model, images, "conv5").numbers["images"][0]["unit"] >= 0
        True
    """
    deconvnet = _deconvnet(model, preprocessing, unsupported, rules)
    images = np.asarray(images)
    pictures = _pictures(deconvnet, images[None] if images.ndim == 3 else images)
    found = project_images(deconvnet, pictures, layer, unit)
    headings = [f"{unit_name(deconvnet, layer, each.unit, labels)}, activation {each.activation:.3g}" for each in found]
    numbers = [each.numbers("unit", "position", "activation", "corner") for each in found]
    return Figure("project", {"project": projection_grid(pictures, found, headings)}, {"layer": layer, "images": numbers})


def filters(model: AnyModel, images: np.ndarray | None = None, *, maps: int = MAPS, seed: int = 0, preprocessing: str = "raw") -> Figure:
    """Draws and judges the filters of the first layers (Zeiler & Fergus 2013, section 4.1 and Fig. 6).

    Args:
        model: as in `gallery`; layers that a deconvnet is not defined for are allowed.
        images: as in `gallery`, over which dead maps are counted and layer 2 is drawn; None measures the first layer alone.
        maps: feature maps of layer 2 to project.
        seed: decides which.
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
    deconvnet = _deconvnet(model, preprocessing, "gradient")
    search = None if images is None else ExampleSearch(deconvnet, ImageSet.of_array(deconvnet.model, images))
    return draw_filters([filter_report(deconvnet, search, maps=maps, seed=seed)])


def occlude(
    model: AnyModel,
    image: np.ndarray,
    label: str | int | None = None,
    *,
    layer: str | None = None,
    images: np.ndarray | None = None,
    square: int | None = None,
    stride: int | None = None,
    preprocessing: str = "raw",
    labels: Sequence[str] = (),
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws how a prediction changes while a grey square is slid over an image (Zeiler & Fergus 2013, section 4.2 and Fig. 7).

    Args:
        model: as in `gallery`.
        image: `(height, width, 3)`, RGB 0..255, of the size that the model takes.
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
    deconvnet = _deconvnet(model, preprocessing, unsupported, rules)
    (pixels,) = _pictures(deconvnet, np.asarray(image)[None])
    number = None if label is None else class_number(str(label), labels, class_count(deconvnet))
    subject = OcclusionInput("image", pixels, number, PREDICTED if label is None else GIVEN, labels)
    search = None if images is None else ExampleSearch(deconvnet, ImageSet.of_array(deconvnet.model, images))
    layer = layer or paper_layers(deconvnet).last_map
    return draw_occlusion(deconvnet, subject, layer, search=search, square=square, stride=stride)


def _deconvnet(model: AnyModel, preprocessing: str, unsupported: str = "error", rules: Mapping[Any, Any] | None = None) -> Deconvnet:
    model = model if isinstance(model, keras.Model) else load_model_file(model)
    return Deconvnet(with_preprocessing(model, preprocessing), unsupported, rules)


def _pictures(deconvnet: Deconvnet, images: np.ndarray) -> np.ndarray:
    """The images as pictures, uint8, after the checks of `ImageSet`."""
    ImageSet.of_array(deconvnet.model, images)
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)
