"""`zfnet features`: what a model's features are worth for other classes."""

import pathlib
from typing import Any

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.data_argument import prepare_photographs
from zfnet.pipeline.cli.model_argument import find_model
from zfnet.pipeline.cli.options import image_size_option, model_argument, out_option, preprocessing_option
from zfnet.pipeline.cli.output import figure_directory
from zfnet.pipeline.run_config import Recipe

CLASSIFIERS = ("softmax", "svm")


@click.command(cls=Command, short_help="Train a softmax and an SVM on a model's frozen features.")
@model_argument
@click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the run, or photo_patches for a .keras file",
    help="Photographs of the new classes, as `zfnet run --data` takes them.",
)
@click.option(
    "--classifier",
    "classifiers",
    type=click.Choice(CLASSIFIERS),
    multiple=True,
    show_default="both",
    help="What to train on the features; several times for several.",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="L",
    show_default="every convolution, or five of more than ten, with the pooling on top of it, and every dense layer below the logits",
    help="Layer whose features are taken, by its name in the model; several times for several.",
)
@click.option(
    "--per-class",
    type=click.IntRange(min=1),
    multiple=True,
    default=(5, 15, 30),
    show_default=True,
    metavar="N",
    help="Training images a class; several times for several. All are tried on the last layer that is named, the largest on every layer.",
)
@click.option("--folds", type=click.IntRange(min=1), default=5, show_default=True, metavar="K", help="Draws of training and test images.")
@click.option(
    "--test-per-class", type=click.IntRange(min=1), default=50, show_default=True, metavar="N", help="Test images a class, at most."
)
@click.option(
    "--redraw",
    is_flag=True,
    help="Draw training and test images of each fold from both splits together, as is usual for Caltech-101; not for photo_patches, whose "
    "patches overlap within a split.",
)
@click.option(
    "--from-scratch",
    is_flag=True,
    help="Also train the same net anew on the same few images. On 2 cores, for one fold of 15 classes of 96 pixels, some minutes.",
)
@click.option(
    "--pretraining",
    metavar="DATA",
    show_default="the examples of the run",
    help="Photographs that the model was trained on: those of DATA that are among them are reported.",
)
@click.option("--leave-out-seen", is_flag=True, help="Draw no images that the model was trained on.")
@click.option("--seed", type=click.IntRange(min=0), default=Recipe.seed, show_default=True, metavar="N", help="Decides the draws.")
@out_option
@preprocessing_option
@image_size_option
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
    preprocessing: str,
    image_size: int | None,
) -> None:
    """Train linear classifiers on features of MODEL, its weights frozen, for the classes of DATA.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Training images are drawn from the split train, test images from the
    split validation; the accuracy is the mean over classes, then over folds. Writes DIR/features.png, and DIR/features.json with the
    accuracy of every class in every fold.
    """
    found = find_model(model)
    with figure_directory("features", out, data) as directory:
        from zfnet.components.features.candidates import Candidates
        from zfnet.components.features.chart import draw_features
        from zfnet.components.features.overlap import draw_unseen
        from zfnet.components.features.transfer import measure_transfer
        from zfnet.components.figures.layers import feature_layers
        from zfnet.components.inputs.image_input import ImageInput
        from zfnet.components.storage.local_copy import local_copy
        from zfnet.pipeline.cli.tables import accuracy_table

        if leave_out_seen and pretraining is None and found.examples is None:
            raise click.UsageError("--leave-out-seen: a model file does not say what it was trained on; name it with --pretraining.")
        deconvnet = found.open_deconvnet(preprocessing, "gradient")
        for layer in layers:
            deconvnet.graph.value_of(layer)
        layers = tuple(dict.fromkeys(layers)) or tuple(feature_layers(deconvnet))
        image_input = ImageInput.of(deconvnet.model, image_size)
        click.echo(f"{model}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
        candidates = Candidates.of(directory.examples(found, data, image_input.side, "train", "validation"))
        seen = None
        if pretraining is not None:
            seen = prepare_photographs(pretraining, directory.work / "pretraining", directory.downloads, image_input.side, "train")
        elif found.examples is not None:
            seen = local_copy(found.examples)
        counts = sorted(set(per_class))
        draws, overlap = draw_unseen(
            candidates,
            seen,
            redraw=redraw,
            leave_out=leave_out_seen,
            most=counts[-1],
            test=test_per_class,
            folds=folds,
            seed=seed,
        )
        click.echo(overlap["message"])
        results = measure_transfer(
            deconvnet,
            candidates,
            draws,
            layers=layers,
            last=layers[-1],
            classifiers=classifiers or CLASSIFIERS,
            per_class=counts,
            from_scratch=from_scratch,
            seed=seed,
            work=directory.work,
        )
        facts: dict[str, Any] = {
            "model": model,
            "data": data,
            "preprocessing": preprocessing,
            "image": [image_input.height, image_input.width],
        }
        facts |= {"seed": seed, "redraw": redraw, "test_per_class": test_per_class, "class_names": candidates.examples.labels}
        draw_features(results, layers, layers[-1], len(candidates.examples.labels), directory.drawing, facts | {"overlap": overlap})
    for line in accuracy_table(results, layers, layers[-1]):
        click.echo(line)
    click.echo(out / "features.png")
    click.echo(out / "features.json")
