"""Options of the commands that train, with the defaults of `photo_patches`."""

import click

from zfnet.pipeline.run_config import RunConfig, load_config

DEFAULTS = load_config("photo_patches")

training_data_option = click.option(
    "--data",
    metavar="DATA",
    show_default=str(DEFAULTS.data),
    help="photo_patches, a TFDS name, a folder (train/CLASS/* and validation/CLASS/*, or CLASS/*), a .csv of path and label, or a "
    "directory that `zfnet examples` wrote.",
)

epochs_option = click.option(
    "--epochs",
    type=click.IntRange(min=1),
    metavar="N",
    show_default=f"{DEFAULTS.epochs}, or by the number of examples where --data is given",
    help="How often to train on every example. More of them continue an otherwise equal run.",
)

batch_size_option = click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    metavar="N",
    show_default=f"{DEFAULTS.batch_size}, or by the number of examples where --data is given",
    help="Examples per training step, over all GPUs.",
)

augmentation_option = click.option(
    "--augmentation",
    type=click.Choice(["paper", "strong"]),
    show_default=f"{DEFAULTS.augmentation} for photo_patches, else {RunConfig(None).augmentation}",
    help="How training varies images: by crops alone, as the paper does, or by size, brightness and colour too.",
)

training_seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 2),
    metavar="N",
    show_default=str(DEFAULTS.seed),
    help="Seed of everything random.",
)
