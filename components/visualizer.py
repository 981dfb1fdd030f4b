"""Visualizer: draws what a trained net sees, and enters it into TensorBoard."""

from etils import epath

from zfnet.components.artifacts import Examples, Figures, Input, Model, Output, Setting

# What stands below the pictures in TensorBoard, by the first word of their tag. The step is the number of epochs trained.
DESCRIPTIONS = {
    "features": "What the net looks for, from the image upwards: the filters of the first layer, and of each layer above feature maps that "
    "are chosen to differ: their nine strongest activations over the validation examples, projected to pixels, beside the patches.",
    "gallery": "Feature maps of a layer: the nine strongest activations over the validation examples, at nine different places, "
    "projected to pixels (left), and the patches of the photographs (right).",
    "filters": "Layers 1 and 2: structure, dead maps, aliasing, the RMS clip, and how evenly activation is spread over maps.",
    "occlusion": "A grey square slid over a validation example, chosen because its answer falls at one place: total activation of the "
    "strongest map, and the answer.",
}


def visualize(
    examples: Input[Examples],
    model: Input[Model],
    figures: Output[Figures],
    *,
    maps: int,
    seed: int,
    tensorboard: Setting[str],
) -> None:
    """Draws the figures of the paper that take seconds: features of all layers, the gallery, the first layers measured, an occlusion.

    Zeiler & Fergus 2013, Fig. 2, 6 and 7, over the validation examples, as PNG files and as TensorBoard images. The training becomes a row
    of TensorBoard's table of hyperparameters, beside the others under the same root.

    Args:
        examples: prepared examples; the split `validation` is looked at.
        model: the trained model.
        figures: gets `features.png`, `gallery_<layer>.png`, `filters.png` and `occlusion.png`, and `feature_sheet.json`, `gallery.json`,
            `filters.json` and `occlude.json` with every number drawn.
        maps: feature maps a layer in the gallery.
        seed: decides which, and which example is occluded.
        tensorboard: directory of the training's summaries.
    """
    import tensorflow as tf

    from zfnet.components.figures.comparison.hyperparameters import training_hyperparameters, write_table, write_training
    from zfnet.components.figures.comparison.table import ComparedNet
    from zfnet.components.figures.feature_sheet import draw_feature_sheet
    from zfnet.components.figures.filters.draw import draw_filters
    from zfnet.components.figures.gallery.example_search import ExampleSearch
    from zfnet.components.figures.gallery.gallery import draw_galleries
    from zfnet.components.figures.layers import default_layers, paper_layers
    from zfnet.components.figures.occlusion.draw import draw_occlusion
    from zfnet.components.figures.occlusion.recognized_example import MOST, recognized_example
    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.components.pictures.png import summarize_png
    from zfnet.components.storage.local_copy import local_copy, staged_output, synced_directory
    from zfnet.model.deconvnet.deconvnet import Deconvnet
    from zfnet.model.measures.occlusion import NoActiveMapError

    deconvnet, local = Deconvnet(load_model_file(local_copy(model).path / "model.keras")), local_copy(examples)
    with staged_output(figures) as drawn:
        search = ExampleSearch(deconvnet, local)  # Goes through the examples once for both.
        galleries = draw_galleries(search, default_layers(deconvnet), drawn.path, maps=maps, seed=seed)
        pictures = {f"gallery/{layer}": picture for layer, picture in galleries.items()}
        pictures["features"] = draw_feature_sheet(search, drawn.path)
        pictures |= draw_filters(deconvnet, local, drawn.path, seed=seed)
        layer = paper_layers(deconvnet).last_map
        subject = recognized_example(deconvnet, local, layer, seed)
        try:
            pictures |= draw_occlusion(deconvnet, subject, layer, drawn.path, examples=local, most=MOST)
        except NoActiveMapError as error:  # A net that hardly trained may have no active map there: the other figures say more.
            print(f"No occlusion was drawn: {error}")
        files = {tag: (drawn.path / _file(tag)).read_bytes() for tag in pictures}
    history, recipe = model.read_json("history.json"), model.read_json("recipe.json")
    with synced_directory(f"{tensorboard}/gallery") as logs:
        writer = tf.summary.create_file_writer(logs)
        with writer.as_default(step=len(history)):
            for tag, picture in pictures.items():
                summarize_png(tag, picture, DESCRIPTIONS[tag.split("/")[0]], files[tag])
        writer.close()
    errors = {f"validation_top{k}_error": history[-1][f"val_top{k}_error"] for k in (1, 5)}
    log = epath.Path(tensorboard)
    with synced_directory(str(log.parent)) as logs:
        net = ComparedNet(recipe["architecture"], epochs=len(history), **errors)
        write_training(epath.Path(logs) / log.name, net, training_hyperparameters(recipe, examples.image_size))
        write_table(epath.Path(logs))


def _file(tag: str) -> str:
    """Name of the file of a picture: `gallery_conv5.png` of `gallery/conv5`."""
    from zfnet.components.pictures.sheet import picture_name

    figure, _, layer = tag.partition("/")
    return picture_name(figure, layer) if layer else f"{figure}.png"
