"""How many examples the splits of well-known data sets have, so that a data set that lost some is noticed."""

COUNTS = {
    "beans": {"train": 1_034, "validation": 133, "test": 128},
    "cats_vs_dogs": {"train": 23_262},
    "cifar10": {"train": 50_000, "test": 10_000},
    "cifar100": {"train": 50_000, "test": 10_000},
    "food101": {"train": 75_750, "validation": 25_250},
    "imagenet2012": {"train": 1_281_167, "validation": 50_000},
    "oxford_flowers102": {"train": 1_020, "validation": 1_020, "test": 6_149},
    "oxford_iiit_pet": {"train": 3_680, "test": 3_669},
    "photo_patches": {"train": 3_000, "validation": 750},
    "stanford_dogs": {"train": 12_000, "test": 8_580},
    "tf_flowers": {"train": 3_670},
}
IMAGENETTE_V2 = {"train": 9_469, "validation": 3_925}


def published_counts(name: str, config: str | None) -> dict[str, int] | None:
    """The numbers of examples that a data set of TFDS is published with.

    They are those of the TFDS catalogue, whose pages list the examples of every split; for `photo_patches` those that this package cuts.

    Args:
        name: its name.
        config: its configuration; None if it has none.

    Returns:
        The number for each of TFDS's splits, or None for a data set that is not known here.

    Examples:
        published_counts("imagenet2012", None)  # {"train": 1281167, "validation": 50000}
    """
    if name == "imagenette":
        return IMAGENETTE_V2 if config and config.endswith("-v2") else None  # the first version was divided otherwise
    return COUNTS.get(name)
