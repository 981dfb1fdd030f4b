"""One unit by several methods: deconvnet, gradient, guided backpropagation and activation maximisation, in one strip."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfnet.components.figures.given_images import GivenImages, image_set, pictures
from zfnet.components.figures.given_model import GivenModel, given_deconvnet, given_labels
from zfnet.components.figures.images import mean_grey
from zfnet.components.figures.units import unit_name
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.project_images import TILE, framed, project_images
from zfnet.components.pictures.projected_activation import ProjectedActivation, signed_to_rgb
from zfnet.components.pictures.projection_checks import bars_note, check_bars
from zfnet.components.pictures.sheet import sheet, strip, with_note
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.targets import Targets
from zfnet.model.measures.projection_check import hide_marked, pixel_strengths
from zfnet.model.methods.gradients import activation_gradients
from zfnet.model.methods.maximization import STEPS, maximize_activation

CAPTIONS = {
    "photograph": "The unit sees all of it.",
    "patch": "The part of the photograph that the unit sees, enlarged.",
    "deconvnet": "The pattern in the photograph that reaches the unit, passed back through the net.",
    "gradient": "Pixels that raise the activation if they get brighter (bright) or darker (dark): what would change it, not what is there.",
    "guided backpropagation": "The gradient, along paths that are positive at each step: clean, but much the same whatever the class.",
    "activation maximisation": "No photograph: noise, changed until the unit is as active as possible.",
}
FRAMED = "The unit sees the part in the red frame."


def methods(
    model: GivenModel,
    image: GivenImages,
    layer: str,
    unit: int | None = None,
    *,
    steps: int = STEPS,
    seed: int = 0,
    preprocessing: str | None = None,
    labels: Sequence[str] = (),
    unsupported: str = "error",
    rules: Mapping[Any, Any] | None = None,
) -> Figure:
    """Draws one unit by four methods: deconvnet, gradient, guided backpropagation, and activation maximisation.

    Args:
        model: as in `gallery`; it takes photographs.
        image: `(height, width, 3)`, RGB 0..255, of the size that the model takes; or the path of a photograph.
        layer: name of a layer.
        unit: feature map or dense unit; None takes the one whose activation is strongest in the image.
        steps: of activation maximisation.
        seed: decides the noise that it starts from, and the pixels hidden elsewhere.
        preprocessing: as in `gallery`.
        labels: names of the model's classes.
        unsupported: as in `gallery`.
        rules: as in `gallery`.

    Returns:
        One picture: a strip of the photograph, the part that the unit sees, and the methods, each with its explanation. Bars under a
        method show its check, see `check_projection`. The numbers hold these checks, and the `maximized` activation.

    Raises:
        ValueError: as in `gallery`; or there are several images.

    Examples:
        >>> figure = methods(model, images[0], "conv2", unit=3, steps=4)
        >>> list(figure.numbers["checks"])
        ['deconvnet', 'gradient', 'guided backpropagation']
    """
    deconvnet = given_deconvnet(model, preprocessing, unsupported, rules)
    shown = pictures(image_set(deconvnet.model, image))
    if len(shown) != 1:
        raise ValueError(f"There are {len(shown)} images; expected one, (height, width, 3), or the path of a photograph.")
    return draw_methods(deconvnet, shown[0], layer, unit, given_labels(model, labels, deconvnet), steps=steps, seed=seed)


def draw_methods(
    deconvnet: Deconvnet, image: np.ndarray, layer: str, unit: int | None, labels: Sequence[str], *, steps: int, seed: int
) -> Figure:
    """Draws the strip of `methods`; `image` is uint8 `(height, width, 3)`, of the size that the model takes."""
    image_input = ImageInput(image.shape[0], image.shape[1], deconvnet.graph.channels_first)
    grey = mean_grey(deconvnet, image_input)
    (found,) = project_images(deconvnet, image[None], layer, unit, grey.values)
    given, position = image_input.to_model_layout(image[None].astype(np.float32)), found.position or None
    gradients = {
        name: activation_gradients(deconvnet, given, layer, found.unit, position and [position], guided=guided)
        for name, guided in (("gradient", False), ("guided backpropagation", True))
    }
    made = maximize_activation(deconvnet, layer, found.unit, position, size=image.shape[:2], steps=steps, seed=seed)
    targets = Targets(*(np.array([each]) for each in (0, found.unit, found.position, found.activation)))
    checks = {"deconvnet": {key: found.check[key] for key in ("fall", "fall_elsewhere")} if found.check else {}}
    for name, gradient in gradients.items():
        strengths = pixel_strengths(gradient, deconvnet.graph.channels_first)
        check = hide_marked(deconvnet, given, layer, targets, strengths, grey.values, seed=seed)
        checks[name] = {key: None if np.isnan(value[0]) else float(value[0]) for key, value in check._asdict().items()}
    windows = {name: _window(image_input.pictures(gradient)[0], found) for name, gradient in gradients.items()}
    tiles = {"deconvnet": found.projection} | {name: signed_to_rgb(window[None])[0] for name, window in windows.items()}
    name = unit_name(deconvnet, layer, found.unit, labels)
    is_part = found.patch.shape[:2] != image.shape[:2]
    made_caption = f"{CAPTIONS['activation maximisation']} Activation {made.activation:.3g} instead of {found.activation:.3g}."
    captions = CAPTIONS | {"activation maximisation": made_caption} | ({"photograph": FRAMED} if is_part else {})
    drawn = {"photograph": framed(image, found), "patch": found.patch} if is_part else {"photograph": image}
    drawn |= tiles | {"activation maximisation": np.rint(_window(made.image, found)).astype(np.uint8)}
    bars = {key: check_bars(check, TILE, written=True) for key, check in checks.items()}
    below = [bars.get(key, np.full_like(bars["deconvnet"], 255)) for key in drawn]
    row = strip(list(drawn.values()), list(drawn), [captions[key] for key in drawn], TILE, below)
    numbers = {
        "layer": layer,
        **found.numbers("unit", "position", "activation", "corner"),
        "checks": checks,
        "hidden": grey.source,
        "maximized": made.activation,
    }
    drawn_row = sheet([row], [f"{name}, activation {found.activation:.3g}"], 1)
    return Figure("methods", {"methods": with_note(drawn_row, bars_note("the method"))}, numbers)


def _window(image: np.ndarray, found: ProjectedActivation) -> np.ndarray:
    top, left = found.corner
    height, width = found.patch.shape[:2]
    return image[top : top + height, left : left + width]
