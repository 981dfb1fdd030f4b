"""Visualizer: draws the features of a trained net and its mistakes, and writes the figures into TensorBoard."""

import pathlib
import urllib.parse

from etils import epath

from zfnet.components.artifacts import Evaluation, Examples, Figures, Input, Model, Output, Setting, Statistics


def visualize(
    examples: Input[Examples],
    statistics: Input[Statistics],
    model: Input[Model],
    evaluation: Input[Evaluation],
    figures: Output[Figures],
    *,
    maps: int,
    seed: int,
    tensorboard: Setting[str],
    checkpoints: Setting[str | None] = None,
) -> None:
    """Draws all of `RUN_FIGURES`, as PNG files and as TensorBoard images; and writes every map of the net on one page, `explore.html`.

    The errors of each class become a text of TensorBoard, `where_it_errs`. The training becomes a row of TensorBoard's table of
    hyperparameters, beside the others under the same root.

    Args:
        examples: prepared examples, with the split `validation`.
        statistics: of these examples; the brightness of each class.
        model: the trained model.
        evaluation: errors of this model over these examples.
        figures: gets the pictures, and for each figure a JSON file with every number that is drawn.
        maps: feature maps a layer in the gallery.
        seed: decides which, and which example is occluded.
        tensorboard: directory of the training's summaries.
        checkpoints: directory of the training's checkpoints, beside which it kept filters of earlier epochs; None for none.
    """
    import tensorflow as tf

    from zfnet.components.exploration.exploration import NothingActiveError, explored_layers, write_exploration
    from zfnet.components.figures.comparison.hyperparameters import training_hyperparameters, write_table, write_training
    from zfnet.components.figures.comparison.table import ComparedNet
    from zfnet.components.figures.gallery.example_search import ExampleSearch
    from zfnet.components.figures.images import ImageSet
    from zfnet.components.figures.mistakes.table import errors_markdown
    from zfnet.components.figures.run_figures import RUN_FIGURES, TrainedNet
    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.components.pictures.figure import summarize_png
    from zfnet.components.storage.local_copy import local_copy, staged_output, synced_directory
    from zfnet.components.training.kept_filters import find_filters
    from zfnet.model.deconvnet.deconvnet import Deconvnet

    trained = local_copy(model).path
    deconvnet = Deconvnet(load_model_file(trained / "model.keras"))
    start = load_model_file(trained / "start.keras") if (trained / "start.keras").exists() else None
    history, recipe = model.read_json("history.json"), model.read_json("recipe.json")
    search = ExampleSearch(deconvnet, ImageSet.of_examples(deconvnet.model, local_copy(examples)))
    net = TrainedNet(search, maps, seed, evaluation, statistics, start)
    with staged_output(figures) as drawn, synced_directory(f"{tensorboard}/gallery") as logs:
        writer = tf.summary.create_file_writer(logs)
        if words := errors_markdown(evaluation.read_json("evaluation.json")):
            with writer.as_default(step=len(history)):
                tf.summary.text("where_it_errs", words, description="Errors of each class, the highest first, and calibration")
        for entry in RUN_FIGURES.values():
            if entry.draw is None or (figure := entry.draw(net)) is None:
                continue
            figure.save(drawn.path)
            with writer.as_default(step=len(history)):  # Epochs trained.
                for name, picture in figure.pictures.items():
                    tag = urllib.parse.unquote(name.replace("_", "/", 1))
                    summarize_png(tag, picture, entry.description, figure.encoded[name])
        writer.close()
        kept = find_filters(deconvnet, [checkpoints] if checkpoints else [], len(history))
        page = pathlib.Path(drawn.path) / "explore.html"
        try:
            write_exploration(search, page, explored_layers(search), model=recipe["architecture"], labels=search.images.labels, kept=kept)
        except NothingActiveError as error:  # A net that hardly trained.
            print(f"No page of all maps was written: {error}")
    errors = {f"validation_top{k}_error": history[-1][f"val_top{k}_error"] for k in (1, 5)}
    log = epath.Path(tensorboard)
    with synced_directory(str(log.parent)) as logs:
        row = ComparedNet(recipe["architecture"], epochs=len(history), **errors)
        write_training(epath.Path(logs) / log.name, row, training_hyperparameters(recipe, examples.image_size))
        write_table(epath.Path(logs))
