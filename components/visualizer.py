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
    import tensorflow as tf

    from zfnet.components.data.local_copy import local_copy
    from zfnet.components.data.written_locally import mirrored, written_locally
    from zfnet.components.evaluation.saved_model_file import load_model_file
    from zfnet.components.figures.default_layers import default_layers
    from zfnet.components.figures.gallery import draw_galleries
    from zfnet.model.deconvnet.deconvnet import Deconvnet

    deconvnet = Deconvnet(load_model_file(local_copy(model).path / "model.keras"))
    with written_locally(figures) as drawn:
        pictures = draw_galleries(deconvnet, local_copy(examples), default_layers(deconvnet), drawn.path, maps=maps, seed=seed)
    with mirrored(f"{tensorboard}/gallery") as logs:
        writer = tf.summary.create_file_writer(logs)
        with writer.as_default(step=len(model.read_json("history.json"))):
            for layer, picture in pictures.items():
                tf.summary.image(
                    f"gallery/{layer}",
                    picture[None],
                    description=f"Feature maps of {layer}: the nine strongest activations over the validation examples, at nine different "
                    "places, projected to pixels (left), and the patches of the photographs (right). Step = epochs trained.",
                )
        writer.close()
