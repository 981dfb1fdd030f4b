"""The occlusion of an image for any Keras model, by one call."""

from collections.abc import Mapping, Sequence
from typing import Any

from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.given_images import GivenImages, image_set, pictures
from zfnet.components.figures.given_model import GivenModel, given_deconvnet, given_labels
from zfnet.components.figures.images import GIVEN, class_number
from zfnet.components.figures.layers import paper_layers
from zfnet.components.figures.occlusion.chart import OcclusionInput
from zfnet.components.figures.occlusion.draw import PREDICTED, draw_occlusion
from zfnet.components.pictures.figure import Figure
from zfnet.model.measures.class_probabilities import class_count


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
    return draw_occlusion(
        deconvnet,
        subject,
        layer,
        search=None if images is None else ExampleSearch(deconvnet, image_set(deconvnet.model, images)),
        square=square,
        stride=stride,
    )
