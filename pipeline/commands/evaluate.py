"""`zfnet evaluate`: error rates of models, single and averaged, and the classes and examples that they mistake."""

import contextlib
import json
import pathlib
import tempfile

import click

from zfnet.components.data.sources.table_column import column_digest, column_values, find_table
from zfnet.pipeline.cli.arguments import find_examples, find_model
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import custom_objects_option, image_size_option, preprocessing_option
from zfnet.pipeline.cli.output import figure_directory
from zfnet.pipeline.messages import aligned_table

ENSEMBLE = "all, probabilities averaged"


@click.command(cls=Command, short_help="Measure top-1 and top-5 errors of models and of their average.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@click.option(
    "--data",
    metavar="DATA",
    show_default="the examples of the runs",
    help="Images to evaluate on, in any form that `zfnet run --data` accepts. A TFDS data set is downloaded to TFDS_DATA_DIR if it is set, "
    "else to the directory of the first run among the models.",
)
@click.option("--split", default="validation", show_default=True, metavar="SPLIT", help="Data split.")
@click.option("--ten-crop", is_flag=True, help="Also average over the paper's ten crops.")
@click.option("--by-class", is_flag=True, help="Also show each class: its errors, and its most frequent wrong answers, at most three.")
@click.option(
    "--worst", type=click.IntRange(min=1), metavar="N", help="Also list the N examples whose wrong answers have the highest probability."
)
@click.option(
    "--slice-by", metavar="COLUMN", help="Also show the errors for each value of a column of the CSV that the examples were made from."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    metavar="DIR",
    help="Also draw into this directory: the confusion matrix, the calibration and, with --worst, the first twelve mistakes beside the "
    "deconvnet's projections of the wrong class and of the right one. For one MODEL.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@preprocessing_option
@image_size_option
@custom_objects_option
def command(
    models: tuple[str, ...],
    data: str | None,
    split: str,
    ten_crop: bool,
    by_class: bool,
    worst: int | None,
    slice_by: str | None,
    out: pathlib.Path | None,
    as_json: bool,
    preprocessing: str | None,
    image_size: int | None,
    custom_objects: tuple[str, ...],
) -> None:
    """Measure top-1 and top-5 errors of each MODEL and, for several, of their averaged probabilities.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras such as keras:VGG16. Models may have different
    image sizes and different orders of classes. Classes are matched by their names, in the file labels.txt beside each model. A net of
    Keras has the classes of ImageNet, matched by name or number, such as tench or n01440764. For several models, the tables
    of --by-class, --worst and --slice-by are those of the averaged probabilities; --json has these lists for each model.
    """
    if out and len(models) > 1:
        raise click.UsageError(f"--out draws the mistakes of one MODEL; {len(models)} were given.")
    found = [find_model(model, custom_objects) for model in models]
    with (
        tempfile.TemporaryDirectory(prefix="zfnet-evaluate-") as work,
        figure_directory("evaluate", out, data) if out else contextlib.nullcontext() as directory,
    ):
        examples = find_examples(found, data, split, pathlib.Path(work))

        if slice_by and data and not examples.prepared:
            column_digest(find_table(data, slice_by), slice_by)  # an unknown column is reported before photographs are prepared
        from zfnet.components.evaluation.measures import all_gpus, evaluate_models

        with all_gpus().scope():
            opened = [each.open_model(preprocessing) for each in found]  # all, before photographs are prepared for one
            _check_image_size([model for model, _ in opened], image_size)
            rows, compared = [], []
            for name, each, (model, used) in zip(models, found, opened, strict=True):
                compared.append(_probabilities(name, each, model, examples, image_size, ten_crop))
                size = compared[-1].image_input
                rows.append({"model": name, "height": size.height, "width": size.width, "preprocessing": used})
            first = compared[0].examples
            ids, values = _ids_and_values(first, split, slice_by) if worst or slice_by else ([], [])
            answered = evaluate_models(compared, split, ten_crop=ten_crop)
        named = data or first.read_json("manifest.json").get("source")
        labels = first.labels
        *single, ensemble = [numbers | _details(answers, labels, ids, values, by_class, worst) for answers, numbers in answered]
        if directory:
            from zfnet.components.figures.mistakes.evaluated import draw_evaluation

            figures, reason = draw_evaluation(compared[0], split, answered[0][0], ensemble)
            for figure in figures:
                directory.save(figure)
            if reason:
                click.echo(f"The mistakes are not drawn: {reason.rstrip('.')}.", err=True)
            drawn = {"pictures": [name for name in directory.written if name.endswith(".png")]}
            (directory.drawing / "evaluate.json").write_text(json.dumps(ensemble | drawn, indent=1))
            directory.written.append("evaluate.json")
    count = ensemble["examples"]
    for each in (*single, ensemble):
        del each["examples"]  # It is the same for all.
    result = {
        "models": [row | each for row, each in zip(rows, single, strict=True)],
        "ensemble": ensemble if len(models) > 1 else None,
        "examples": count,
        "split": split,
        "data": named,
    }
    if as_json:
        click.echo(json.dumps(result, indent=1))
        return
    preprocessings = sorted({used for _, used in opened})
    click.echo("\n".join(error_table(result["models"], result["ensemble"], len(labels))))
    of = f"{split} examples of {len(labels):,} classes{f', {named}' if named else ''}"
    click.echo(f"{count:,} {of}; preprocessing {' and '.join(preprocessings)}")
    for table in _tables(ensemble, len(labels), slice_by):
        click.echo("\n" + "\n".join(table))
    for name in directory.written if out and directory else ():
        click.echo(f"{out}/{name}")


def _check_image_size(models, image_size):
    if image_size is not None and not any(_takes_any_size(model) or image_size in model.inputs[0].shape[1:] for model in models):
        shapes = " and ".join(sorted({str(model.inputs[0].shape) for model in models}))
        raise ValueError(
            f"--image-size {image_size} is for a model that accepts any size; the models here expect images of {shapes}: leave it out."
        )


def _takes_any_size(model):
    return None in model.inputs[0].shape[1:]


def _probabilities(name, found, model, examples, image_size, ten_crop):
    """Joins a model with the examples in its size, its order of classes and its mean image."""
    from zfnet.components.evaluation.probabilities import Probabilities, class_order, output_classes
    from zfnet.components.inputs.image_input import ImageInput
    from zfnet.model.net.layers import MeanImage

    size = ImageInput.of(model, (image_size or examples.usual_size) if _takes_any_size(model) else None).side
    prepared = examples.of_size(name, size, found.examples)
    labels, outputs = prepared.labels, output_classes(model)
    order = None
    if found.labels:
        if len(found.labels) != outputs:
            raise ValueError(f"The labels.txt beside {found.file} names {len(found.labels)} classes, and the model has {outputs} outputs.")
        order = class_order(name, found.labels_like(labels), labels)
    elif outputs == len(labels):
        click.echo(
            f"{name}: there is no labels.txt; its {outputs} outputs are assumed to be the classes of the data, in their order", err=True
        )
    centres = any(isinstance(layer, MeanImage) for layer in model.layers)
    if ten_crop and centres and not found.statistics:
        click.echo(f"{name}: the file holds only the centre of its mean image, which is subtracted from each of the ten crops", err=True)
    mean = found.statistics.mean_image() if centres and found.statistics else None
    return Probabilities(model, prepared, order=order, mean=mean)


def _ids_and_values(examples, split, slice_by):
    """Ids of the examples of a split, in its order, and their values in the column `slice_by`, none if it is None."""
    from zfnet.components.data.batches import read_origins

    ids = read_origins(examples, split).ids
    return ids, column_values(find_table(str(examples.path), slice_by), slice_by, ids) if slice_by else []


def _details(answers, labels, ids, values, by_class, worst):
    """The lists that options ask for, by name."""
    from zfnet.components.evaluation import measures

    details = {"classes": measures.by_class(answers, labels)} if by_class else {}
    if worst:
        details["mistakes"] = measures.list_mistakes(answers, labels, ids, worst)
    if values:
        details["slices"] = measures.by_slice(answers, values)
    return details


def _tables(numbers, classes, slice_by):
    """Yields the lines of the tables that options ask for, from the lists of `_details`."""
    from zfnet.components.data.sources.source import class_name
    from zfnet.components.figures.mistakes.table import slice_name, wrong_answers

    def errors(row):
        return [f"{row['examples']:,}", *("-" if row[f"top{k}_error"] is None else f"{row[f'top{k}_error']:.1%}" for k in (1, 5))]

    headings = ["examples", "top-1", f"top-{min(5, classes)}"]
    if "classes" in numbers:
        rows = [[row["class"], wrong_answers(row), *errors(row)] for row in numbers["classes"]]
        yield aligned_table([["class", "mistaken for", *headings], *rows], 2)
    if "mistakes" in numbers:
        rows = [
            [
                *(class_name(row[name]) for name in ("id", "class", "predicted")),
                f"{row['probability']:.1%}",
                f"{row['probability_of_class']:.1%}",
            ]
            for row in numbers["mistakes"]
        ]
        yield aligned_table([["example", "class", "predicted", "probability", "of its class"], *rows], 3)
    if "slices" in numbers:
        rows = [[slice_name(row["value"]), *errors(row)] for row in numbers["slices"]]
        yield aligned_table([[slice_by, *headings], *rows])


def error_table(models: list[dict], ensemble: dict | None, classes: int) -> list[str]:
    """The lines of the table of errors: a heading, each model, and the ensemble if there is one.

    Each of `models` has its name, `model`, and the errors `top1_error`, `top5_error`, `top1_error_ten_crop` and `top5_error_ten_crop`, as
    fractions; the last two may be None. `ensemble` has the same errors. With N < 5 `classes`, the top-5 error is headed top-N.
    """
    rows = [*models, *([{"model": ENSEMBLE, **ensemble}] if ensemble else [])]
    columns = {
        f"top{k}_error{crops}": f"top-{min(k, classes)}{name}" for crops, name in (("", ""), ("_ten_crop", ", ten crops")) for k in (1, 5)
    }
    columns = {key: heading for key, heading in columns.items() if rows[0][key] is not None}
    cells = [["error", *columns.values()], *([row["model"], *(f"{row[key]:.1%}" for key in columns)] for row in rows)]
    return aligned_table(cells)
