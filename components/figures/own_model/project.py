"""Projections of images by any Keras model, by one call."""

from collections.abc import Mapping, Sequence
from typing import Any

from zfnet.components.figures.any_inputs import project_inputs, refuse_check
from zfnet.components.figures.given_images import GivenImages, image_set, pictures
from zfnet.components.figures.given_model import GivenModel, given_deconvnet, given_labels
from zfnet.components.figures.images import mean_grey
from zfnet.components.figures.units import unit_name
from zfnet.components.inputs.image_input import takes_photographs
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.project_images import images_layer_check, project_images, projection_grid
from zfnet.components.pictures.projection_checks import layer_numbers
from zfnet.model.deconvnet.model_inputs import Images


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
        refuse_check(deconvnet, check)
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
