"""Visualizer: draws what the feature maps of a trained net look for."""

from zfnet.components.artifacts import Examples, Figures, Input, Model, Output, Setting


def visualize(
    examples: Input[Examples],
    model: Input[Model],
    figures: Output[Figures],
    *,
    maps: int,
    seed: int,
    tensorboard: Setting[str],
) -> None:
    """Draws, for every convolution, the nine strongest activations of a random subset of its feature maps.

    Zeiler & Fergus 2013, Fig. 2: over the validation examples, each activation projected to pixels beside its patch of the
    photograph. One grid a layer, as a PNG file and as a TensorBoard image.

    Args:
        examples: prepared examples; the split `validation` is searched.
        model: the trained model.
        figures: gets `gallery_<layer>.png`, and `gallery.json` with every activation drawn.
        maps: feature maps a layer.
        seed: decides which.
        tensorboard: directory of the training's summaries.
    """
    from zfnet.components.pictures.gallery import draw_galleries

    draw_galleries(model, examples, figures, maps=maps, seed=seed, tensorboard=tensorboard)
