"""`zfnet features`: accuracy of classifiers on a model's features, for other classes."""

import pathlib
from typing import TYPE_CHECKING

import click

from zfnet.pipeline.cli.arguments import find_model, prepare_photographs
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import (
    custom_objects_option,
    image_size_option,
    layers_option,
    model_argument,
    out_option,
    preprocessing_option,
    seed_option,
)
from zfnet.pipeline.cli.output import figure_directory
from zfnet.pipeline.messages import aligned_table

if TYPE_CHECKING:
    from zfnet.components.features.transfer import Accuracy

CLASSIFIERS = ("softmax", "svm")


@click.command(cls=Command, short_help="Train a softmax and an SVM on a model's frozen features.")
@model_argument
@click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the run; without a run, photo_patches",
    help="Images of the new classes, in any form that `zfnet run --data` accepts.",
)
@click.option(
    "--classifier",
    "classifiers",
    type=click.Choice(CLASSIFIERS),
    multiple=True,
    default=CLASSIFIERS,
    show_default="both",
    help="Classifier to train on the features. May be repeated.",
)
@layers_option(
    "every dense layer below the logits, and every convolution with the pooling above it; five convolutions if there are more than ten",
    "Layer whose features are used",
)
@click.option(
    "--per-class",
    type=click.IntRange(min=1),
    multiple=True,
    default=(5, 15, 30),
    show_default=True,
    metavar="N",
    help="Number of training images per class. May be repeated: classifiers on the last --layer are trained with each number, those on "
    "other layers only with the largest.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="K",
    help="Number of folds: random draws of training and test images.",
)
@click.option(
    "--test-per-class",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="Largest number of test images per class.",
)
@click.option(
    "--redraw",
    is_flag=True,
    help="Draw training and test images of each fold from both splits together, as is usual for Caltech-101. Not suitable for "
    "photo_patches, whose patches overlap within a split.",
)
@click.option(
    "--from-scratch",
    is_flag=True,
    help="Also train the same network from scratch on the same images. A fold with 15 classes at 96 pixels takes some minutes on 2 cores.",
)
@click.option(
    "--pretraining",
    metavar="DATA",
    show_default="the examples of the run",
    help="Data that the model was trained on. The command reports images of --data that are also in it.",
)
@click.option("--leave-out-seen", is_flag=True, help="Exclude the images that --pretraining also contains.")
@seed_option("the random draws")
@out_option
@preprocessing_option
@image_size_option
@custom_objects_option
def command(
    model: str,
    data: str | None,
    classifiers: tuple[str, ...],
    layers: tuple[str, ...],
    per_class: tuple[int, ...],
    folds: int,
    test_per_class: int,
    redraw: bool,
    from_scratch: bool,
    pretraining: str | None,
    leave_out_seen: bool,
    seed: int,
    out: pathlib.Path,
    preprocessing: str | None,
    image_size: int | None,
    custom_objects: tuple[str, ...],
) -> None:
    """Train linear classifiers for the classes of DATA on frozen features of MODEL.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. Training images are drawn from
    the split train, test images from the split validation. The accuracy is the mean over classes, then over folds (--folds). Writes
    DIR/features.png, and DIR/features.json with the accuracy of every class in every fold.
    """
    found = find_model(model, custom_objects)
    with figure_directory("features", out, data) as directory:
        from zfnet.components.features.candidates import Candidates
        from zfnet.components.features.chart import draw_features
        from zfnet.components.features.overlap import draw_unseen
        from zfnet.components.features.transfer import measure_transfer
        from zfnet.components.figures.layers import feature_layers
        from zfnet.components.inputs.image_input import ImageInput

        if leave_out_seen and pretraining is None and found.examples is None:
            raise click.UsageError("--leave-out-seen: a model file does not name its training data; give it with --pretraining.")
        deconvnet, preprocessing = found.open_deconvnet(preprocessing, "gradient")
        for layer in layers:
            deconvnet.graph.value_of(layer)
        used = list(dict.fromkeys(layers)) or feature_layers(deconvnet)
        image_input = ImageInput.of(deconvnet.model, image_size)
        click.echo(f"{model}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
        candidates = Candidates(directory.examples(found, data, image_input.side, "train", "validation"))
        seen = None
        if pretraining is not None:
            seen = prepare_photographs(pretraining, directory.work / "pretraining", directory.downloads, image_input.side, "train")
        elif found.examples is not None:
            seen = directory.examples(found, None, image_input.side)
        counts = sorted(set(per_class))
        sizes = {"most": counts[-1], "test": test_per_class, "folds": folds}
        draws, overlap = draw_unseen(candidates, seen, redraw=redraw, leave_out=leave_out_seen, seed=seed, **sizes)
        click.echo(overlap["message"])
        results = measure_transfer(
            deconvnet, candidates, draws, used, counts, classifiers=classifiers, from_scratch=from_scratch, seed=seed, work=directory.work
        )
        size, names = [image_input.height, image_input.width], candidates.examples.labels
        facts: dict = {"model": model, "data": data, "preprocessing": preprocessing, "image": size, "seed": seed, "redraw": redraw}
        facts |= {"test_per_class": test_per_class, "class_names": names, "overlap": overlap}
        draw_features(results, used, len(names), directory.drawing, facts)
    for line in (*accuracy_table(results, used, used[-1]), out / "features.png", out / "features.json"):
        click.echo(line)


def accuracy_table(results: "list[Accuracy]", layers: list[str], last: str) -> list[str]:
    """The lines of two tables: a row per classifier with a column per number of training images, then a row per layer."""
    from zfnet.components.features.chart import TITLES

    per_class = sorted({each.per_class for each in results})
    found = {(each.classifier, each.layer, each.per_class): each for each in results}
    names = list(dict.fromkeys(each.classifier for each in results))
    frozen = [name for name in names if (name, last, per_class[-1]) in found]  # The others are trained from scratch.
    rows = [["images a class", *map(str, per_class)]]
    for name in names:
        layer, title = (last, f"{TITLES[name]} on {last}") if name in frozen else (None, TITLES[name])
        rows.append([title, *(_percent(found[name, layer, n]) for n in per_class)])
    lines = aligned_table(rows)
    if len(layers) > 1:
        rows = [[f"{per_class[-1]} images a class", *(TITLES[name] for name in frozen)]]
        rows += [[layer, *(_percent(found[name, layer, per_class[-1]]) for name in frozen)] for layer in layers]
        lines += ["", *aligned_table(rows)]
    return lines


def _percent(accuracy: "Accuracy") -> str:
    deviation = "" if accuracy.deviation is None else f" ± {100 * accuracy.deviation:.1f}"
    return f"{100 * accuracy.mean:.1f} %{deviation}"
