"""Data sets of TFDS: finds and prepares them, with messages for what can go wrong, and knows how many examples they are published with."""

import contextlib
import difflib
import sys
import urllib.parse
from typing import TYPE_CHECKING

from etils import epath

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

# From the TFDS catalogue, whose pages list the examples of every split; `photo_patches` is cut by this package.
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


def find_builder(data: str, directory: str) -> "tfds.core.DatasetBuilder":
    """Opens a data set, by its name, with a configuration and a version if wanted, without preparing it in `directory`.

    Raises:
        ValueError: there is no such data set.
    """
    import tensorflow_datasets as tfds

    name = data.split("/")[0].split(":")[0]
    known = tfds.list_builders(with_community_datasets=False)
    if name not in known and not (epath.Path(directory) / name).exists():
        near = ", ".join(difflib.get_close_matches(name, known))
        raise ValueError(
            f"DATA {data!r} is neither a folder here nor a TFDS data set{f' (near names: {near})' if near else ''}: give "
            "photo_patches, a TFDS name, a folder with one folder of photographs for each class, or a directory of prepared examples."
        )
    try:
        return tfds.builder(data, data_dir=directory)
    except Exception as error:  # TFDS raises errors of any kind for a wrong configuration, version or spelling
        configurations = ", ".join(getattr(tfds.builder_cls(name), "builder_configs", {})) if name in known else ""
        raise ValueError(
            f"TFDS cannot open {data!r} ({one_line(error)})"
            + (f": {name} has the configurations {configurations}." if configurations else ".")
        ) from error


def image_and_label(builder: "tfds.core.DatasetBuilder") -> tuple[str, str]:
    """The names of the features that are the photograph and the class: the supervised ones, else the only ones."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    supervised = builder.info.supervised_keys or ()
    found = []
    for kind, what in ((tfds.features.Image, "an image"), (tfds.features.ClassLabel, "a class")):
        keys = [key for key, feature in features.items() if isinstance(feature, kind)]
        keys = [key for key in keys if key in supervised] or keys
        if len(keys) != 1:
            raise ValueError(f"The TFDS data set {builder.name} has {len(keys)} features that are {what}: expected one.")
        found += keys
    return found[0], found[1]


def prepare(builder: "tfds.core.DatasetBuilder") -> None:
    """Downloads and prepares a data set, unless that was done before.

    Raises:
        ValueError: it cannot be downloaded or prepared.
    """
    import requests  # which TFDS downloads by

    with contextlib.redirect_stdout(sys.stderr):
        try:
            builder.download_and_prepare()
        except requests.RequestException as error:
            reason = getattr(error.args[0] if error.args else None, "reason", error)  # of the last of many attempts
            host = urllib.parse.urlsplit(error.request.url).hostname if error.request else "its source"
            raise ValueError(
                f"TFDS cannot download {builder.name} from {host} ({one_line(reason)}). "
                "Once the connection works, the same command tries again."
            ) from error
        except Exception as error:  # no space, files to be fetched by hand, a source that moved
            raise ValueError(f"TFDS cannot prepare {builder.name}: {one_line(error)}") from error


def published_counts(name: str, config: str | None) -> dict[str, int] | None:
    """The number of examples in each of TFDS's splits of a data set; None if it is not known here. `config` is None if it has none.

    Examples:
        >>> published_counts("imagenet2012", None)
        {'train': 1281167, 'validation': 50000}
    """
    if name == "imagenette":
        return IMAGENETTE_V2 if config and config.endswith("-v2") else None  # the first version was divided otherwise
    return COUNTS.get(name)


def one_line(error: object) -> str:
    """The message of an error, in one line."""
    return " ".join(str(error).split())
