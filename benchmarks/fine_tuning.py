"""Compares fine-tuning with training from scratch, on 150 photographs in five classes of each of some folders.

Command: .venv/bin/python benchmarks/fine_tuning.py START WORK FOLDER [FOLDER ...]
START is a default run, as `zfnet run` writes it. WORK is a directory that keeps the errors of each training: when the command is given
again, it does not repeat trainings. A FOLDER holds photographs in folders by class, of which the five largest classes are taken, each with
30 photographs at most; a third of them is for validation, another third in each training. Or it holds photographs side by side: then
patches are cut out of the first five, as photo_patches are, and the class is the photograph.
Three ways to train, three times each: nine trainings for each FOLDER, half a minute each on two cores.
Writes benchmarks/fine_tuning.json, and from it the table in docs/training.md.
"""

import gc
import json
import pathlib
import shutil
import sys
from collections.abc import Iterator

from recipe import PHOTOGRAPHS, File, write_patches
from report import HERE, commit, conditions, machine, markdown, versions, write

NAME = "fine_tuning"
DOCUMENT = HERE.parent / "docs" / "training.md"
CLASSES = 5
# Photographs of a class for each training.
TRAIN, VALIDATION = 20, 10
FEWEST = 24
TRAININGS = 3
# Epochs after which errors are shown, beside the last.
SHOWN = (10,)
# Options of `zfnet run`, without START.
WAYS: dict[str, dict[str, str] | None] = {
    "from scratch": None,
    "fine-tuned": {},
    "fine-tuned, `--freeze conv1..conv3`": {"freeze": "conv1..conv3"},
}


def choose_photographs(folder: pathlib.Path, work: pathlib.Path) -> Iterator[pathlib.Path]:
    """Links the photographs of each training into a directory `SPLIT/CLASS/`, and yields these directories.

    Raises:
        ValueError: there are fewer than five classes, or a class has too few photographs.
    """
    side_by_side = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTOGRAPHS)[:CLASSES]
    if side_by_side and not (work / "cut").exists():
        write_patches([File(path) for path in side_by_side], work / "cut.partial").rename(work / "cut")
    names = [path.stem for path in side_by_side] or [path.name for path in sorted(folder.iterdir()) if path.is_dir()]
    cut = {name: [sorted((work / "cut" / split / name).glob("*")) for split in ("train", "validation")] for name in names}
    files = {name: sorted(file for file in (folder / name).rglob("*") if file.suffix.lower() in PHOTOGRAPHS) for name in names}
    largest = names if side_by_side else sorted(names, key=lambda name: -len(files[name]))[:CLASSES]
    if len(largest) < CLASSES or (not side_by_side and len(files[largest[-1]]) < FEWEST):
        found = ", ".join(f"{name} {len(files[name])}" for name in largest)
        raise ValueError(f"{folder} has the classes {found}; expected {CLASSES}, with {FEWEST} photographs each at least.")
    for number in range(TRAININGS):
        data = work / f"photographs-{number}"
        shutil.rmtree(data, ignore_errors=True)
        for name in largest:
            if side_by_side:
                train, validation = (each[number * count :][:count] for each, count in zip(cut[name], (TRAIN, VALIDATION), strict=True))
            else:  # Every third is for validation, whatever order the names have.
                taken = files[name][: TRAIN + VALIDATION]
                validation = taken[number::TRAININGS]
                train = [file for file in taken if file not in validation]
            for split, chosen in {"train": train, "validation": validation}.items():
                (data / split / name).mkdir(parents=True)
                for place, file in enumerate(chosen):
                    (data / split / name / f"{place:02d}{file.suffix}").symlink_to(file.resolve())
        yield data


def prepare(data: pathlib.Path, work: pathlib.Path, size: int):
    """Prepares the photographs of one training, and their mean image."""
    from zfnet.components.artifacts import Examples, Statistics
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples
    from zfnet.components.statistics_gen import generate_statistics

    examples, statistics = Examples(work / f"{data.name}-examples"), Statistics(work / f"{data.name}-statistics")
    if (statistics.path / "mean.npy").exists():
        return examples, statistics
    for made in (examples, statistics):
        made.path.mkdir()
    generate_examples(
        examples,
        source=open_source(str(data), work),
        image_size=size,
        num_shards=None,
        max_rejected=0,
        runner="FnApiRunner",
        beam_options=(),
    )
    generate_statistics(examples, statistics, runner="FnApiRunner", beam_options=())
    return examples, statistics


def train(recipe, examples, statistics, start=None) -> list[float]:
    """Trains as `components/training/fit.py` does, to the same bits, but writes no checkpoints and no pictures, which would take longer.

    Returns:
        The top-1 error over the validation photographs after some of the epochs, `SHOWN`, and after the last.
    """
    import keras
    import tensorflow as tf

    from zfnet.components.data.training_batches import training_batches
    from zfnet.components.training.callbacks.schedule import CosineSchedule
    from zfnet.components.training.optimizer import freeze, make_optimizer
    from zfnet.components.training.train_step import make_train_step, make_validate, no_totals
    from zfnet.model.net.build import build

    keras.utils.set_random_seed(recipe.seed + 1)
    tf.config.experimental.enable_op_determinism()
    size, mean, count = examples.image_size, statistics.mean_image(), examples.count("train")
    margin, batch_size, epochs = (examples.side - size) // 2, recipe.batch_for(count), recipe.epochs_for(count)
    steps, central = count // batch_size, mean[margin : margin + size, margin : margin + size]
    net = build(recipe.architecture, (size, size, 3), len(examples.labels), seed=recipe.seed + 1)
    if start:
        start.give(net, recipe.row.input_scale, central)
    freeze(net, recipe.frozen)
    rate = CosineSchedule(recipe.learning_rate_for(count), recipe.decay_epochs_for(count) * steps).rate
    net.compile(make_optimizer(rate, recipe.row.weight_decay, recipe.layer_factors))
    batches = iter(
        training_batches(
            examples, mean, size=size, batch_size=batch_size, seed=recipe.seed, first_epoch=0, epochs=epochs, crops=recipe.crops
        )
    )
    strategy = tf.distribute.get_strategy()
    step, validate = make_train_step(net, strategy, batch_size), make_validate(net, strategy, examples, central, batch_size)
    errors = []
    for epoch in range(1, epochs + 1):
        totals = no_totals()
        for number in range((epoch - 1) * steps, epoch * steps):
            totals = step(batches, totals, tf.constant(number, tf.int64))
        if epoch in (*SHOWN, epochs):
            errors.append(validate()["top1_error"])
    return errors


def measure(start: str, folder: pathlib.Path, work: pathlib.Path) -> dict:
    """Trains in all ways on one folder. Gives the errors of each training, as `train` does, by the way."""
    from zfnet.components.training.recipe import Recipe
    from zfnet.components.training.start import Start
    from zfnet.pipeline.commands.run import start_choices

    # Training from scratch too has the architecture and the size of START.
    given = start_choices({"start_from": start, "architecture": None, "image_size": None})
    opened = Start.open(given["start_from"])
    kept, known, counts = work / "errors.json", {}, []
    if kept.exists():
        known = json.loads(kept.read_text())
    for seed, data in enumerate(choose_photographs(folder, work)):
        examples, statistics = prepare(data, work, given["image_size"])
        counts.append({split: examples.count(split) for split in ("train", "validation")})
        for way, own in WAYS.items():
            if (name := f"{way}, {seed}") not in known:
                recipe = Recipe(architecture=given["architecture"], seed=seed, **(own or {}))
                known[name] = train(recipe, examples, statistics, None if own is None else opened)
                kept.write_text(json.dumps(known, indent=1))
                gc.collect()
            print(folder.name, name, known[name], flush=True)
    errors = {way: [known[f"{way}, {seed}"] for seed in range(TRAININGS)] for way in WAYS}
    return {"folder": folder.name, "patches": (work / "cut").exists(), "examples": counts, "top1_error": errors}


def table(result: dict) -> str:
    """The table in Markdown: for each way, folder and number of epochs the mean error over the trainings, and the smallest and largest."""
    head, rows = ["top-1 error"], [[way] for way in WAYS]
    for measured in result["folders"]:
        name = f"{measured['folder']}{', patches' if measured['patches'] else ''}"
        for place, epochs in enumerate((*SHOWN, "all")):
            head.append(f"{name}: {epochs} epochs")
            for row in rows:
                errors = [training[place] for training in measured["top1_error"][row[0]]]
                row.append(f"{sum(errors) / len(errors):.1%} ({min(errors):.0%} to {max(errors):.0%})")
    return markdown(head, rows) + conditions(result)


def main() -> None:
    """Trains, and writes the results and the table."""
    start, work, *folders = sys.argv[1:]
    measured = [measure(start, folder, pathlib.Path(work, folder.name)) for folder in map(pathlib.Path, folders)]
    result = {
        "command": f"python benchmarks/{NAME}.py zfnet_run WORK things stamps wallpapers",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
    }
    result |= {"shown_epochs": SHOWN, "folders": measured}
    write(NAME, result, table(result), DOCUMENT)


if __name__ == "__main__":
    main()
