"""Train on a folder of photographs of your own, and see which of them the net gets most wrong.

    python examples/own_photographs.py
    python examples/own_photographs.py --data FOLDER --epochs 40 --image-size 96

FOLDER holds `CLASS/*`, or `train/CLASS/*` and `validation/CLASS/*`. Without --data, pieces of six photographs that are installed with
scikit-image are the photographs; then all of it takes about a minute on two cores. What the run makes is under own_photographs_run/, as
`zfnet run --data FOLDER` leaves it there. The picture, own_photographs.png, shows the validation photographs to whose own class the net
gives the least probability, the worst first, at most three of a class. Look for what they have in common: blurred, dark, cut off, wrongly
labelled, or two classes at once. That is what to collect more of, or to put right.
"""

import json
import pathlib
import tempfile

import click
import numpy as np
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.data.sources.patches import cut_patches
from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.pictures.sheet import block, sheet
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.messages import aligned_table
from zfnet.pipeline.run_config import Recipe, RunConfig
from zfnet.pipeline.run_pipeline import run_pipeline
from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline

CLASSES = ("astronaut", "chelsea", "china", "coffee", "flower", "rocket")
WORST, OF_A_CLASS, COLUMNS, TILE = 12, 3, 4, 224


def write_pieces(folder: pathlib.Path, count: int) -> None:
    """Writes pieces of some photographs as JPEG files `SPLIT/CLASS/NUMBER.jpg`: `count` of each for training, 50 for validation."""
    for photograph in PHOTOGRAPHS:
        for split, most in (("train", count), ("validation", 50)) if photograph.name in CLASSES else ():
            (folder / split / photograph.name).mkdir(parents=True)
            for number, piece in zip(range(most), cut_patches(photograph, split), strict=False):
                (folder / split / photograph.name / f"{number:03d}.jpg").write_bytes(piece["image"])


def run(data: pathlib.Path, root: pathlib.Path, epochs: int, image_size: int) -> dict:
    """Prepares, trains, tests and draws, as `zfnet run` does; returns what run.json says of it."""
    config = RunConfig(data=str(data), recipe=Recipe(epochs=epochs), image_size=image_size)
    run_pipeline(root, lambda: zfnet_pipeline(config, open_source(config.data, root / "tfds"), root, "FnApiRunner"), "own_photographs.py")
    return json.loads((root / "run.json").read_text())


def draw_worst(root: pathlib.Path, summary: dict) -> tuple[np.ndarray, list[str]]:
    """The validation photographs that the net is most wrong about: a uint8 picture `(height, width, 3)`, and the lines of a table."""
    examples, net = Examples(root / summary["artifacts"]["examples"]), load_model_file(root / summary["artifacts"]["model"])
    batches = central_crops(examples, "validation", size=examples.image_size, batch_size=64)
    images, classes = (np.concatenate([batch[part].numpy() for batch in batches]) for part in range(2))
    probabilities = net.predict(images, verbose=0)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != classes)
    order = wrong[np.argsort(probabilities[wrong, classes[wrong]], kind="stable")]
    # One class that goes wrong as a whole would hide all others.
    worst = [row for place, row in enumerate(order) if (classes[order[:place]] == classes[row]).sum() < OF_A_CLASS][:WORST]
    names, (files, *_) = examples.labels, read_origins(examples, "validation")
    answers = [f"{names[probabilities[row].argmax()]} {probabilities[row].max():.0%}" for row in worst]
    truths = [f"{names[classes[row]]} {probabilities[row, classes[row]]:.0%}" for row in worst]
    tiles = [block([images[row].astype(np.uint8)], 1, TILE) for row in worst]
    picture = sheet(tiles, [f"{answer}, is {truth}" for answer, truth in zip(answers, truths, strict=True)], COLUMNS)
    table = [["photograph", "taken for", "is"], *([files[row], *each] for row, *each in zip(worst, answers, truths, strict=True))]
    return picture, aligned_table(table)


@click.command(cls=Command, help=__doc__.splitlines()[0])
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path), help="The folder of photographs.")
@click.option("--root", type=click.Path(path_type=pathlib.Path), default="own_photographs_run", show_default=True, help="For the run.")
@click.option("--epochs", default=12, show_default=True, help="How often to train on each photograph.")
@click.option("--image-size", default=64, show_default=True, help="Side of what the net sees, in pixels.")
@click.option("--pieces", default=150, show_default=True, help="Without --data: of each class, for training.")
@click.option("--out", default="own_photographs.png", show_default=True, help="The picture.")
def main(data: pathlib.Path | None, root: pathlib.Path, epochs: int, image_size: int, pieces: int, out: str) -> None:
    """Runs the pipeline and looks at what it got wrong."""
    with tempfile.TemporaryDirectory() as temporary:
        if data is None:
            data = pathlib.Path(temporary, "pieces")
            write_pieces(data, pieces)
        summary = run(data, root, epochs, image_size)
    ranks = (1, 5) if len(Examples(root / summary["artifacts"]["examples"]).labels) > 5 else (1,)
    errors = " and ".join(f"{summary['metrics'][f'top{k}_error']:.1%} top-{k}" for k in ranks)
    click.echo(f"\n{summary['status']}: error {errors}, of {summary['examples']['validation']} photographs")
    if summary["metrics"]["top1_error"] > 0:
        picture, lines = draw_worst(root, summary)
        Image.fromarray(picture).save(out)
        click.echo("\n".join([*lines, f"as a picture: {out}"]))
    click.echo(f"what the net sees: {root / 'figures'}")


if __name__ == "__main__":
    main()
