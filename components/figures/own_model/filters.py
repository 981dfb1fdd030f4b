"""The filters of the first layers of any Keras model, drawn and judged by one call."""

from zfnet.components.figures.filters.draw import draw_filters
from zfnet.components.figures.filters.report import MAPS, filter_report
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.given_images import GivenImages, image_set
from zfnet.components.figures.given_model import GivenModel, given_deconvnet
from zfnet.components.pictures.figure import Figure


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
    return draw_filters(
        [
            filter_report(
                deconvnet, None if images is None else ExampleSearch(deconvnet, image_set(deconvnet.model, images)), maps=maps, seed=seed
            )
        ]
    )
