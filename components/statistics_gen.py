"""Step 2: the mean image, and the counts, sizes and brightness that training and the validator need."""

import json

from zfnet.components.artifacts import Examples, Input, Output, Setting, Statistics
from zfnet.components.data.sources.shard_plan import SPLITS
from zfnet.components.storage.files import atomic_file


def generate_statistics(
    examples: Input[Examples], statistics: Output[Statistics], *, runner: Setting[str], beam_options: Setting[tuple[str, ...]]
) -> None:
    """Averages all training images, counts the classes of both splits, and measures sizes and brightness.

    Writes `mean.npy`, float32 (side, side, 3), 0..255, the mean of every pixel over the training split; and `statistics.json`:
    `{"classes": {"train": [count, ...], "validation": [...]}, "channels": {"mean": [3], "std": [3]}, "sizes": {"train": sizes,
    "validation": sizes}, "brightness": [{"mean", "brightest"}, ...]}`, where the channels are those of the training split.

    The sizes of a split are those of the photographs, in pixels, before they were scaled: `{"shorter_side": {"min", "median", "max"},
    "enlarged": share, "aspect": {"min", "median", "max"}}`. `enlarged` is the share, 0..1, whose shorter side is less than the side of the
    stored images; `aspect` is the ratio of width to height, None for patches of larger photographs. The sizes of an empty split are None.
    `brightness` has an entry for each class, from its training images: the mean of all grey levels, 0..255, and the level that 99.9 % of
    the pixels do not exceed; None for a class without training images.

    Sums are kept in integers, so the result does not depend on the runner. `runner` and `beam_options` are those of
    `open_pipeline`.
    """
    import apache_beam as beam

    from zfnet.components.data.beam.pipeline import open_pipeline
    from zfnet.components.data.image_statistics import ImageStatistics

    statistics.path.mkdir(parents=True, exist_ok=True)
    directory = str(statistics.path)
    shards = [(split, path) for split in SPLITS for path in examples.shards(split)]
    with open_pipeline(runner, beam_options, directory) as pipeline:
        found = pipeline | beam.Create(shards) | beam.Reshuffle()
        found |= beam.CombineGlobally(ImageStatistics(examples.side, len(examples.labels)))
        _ = found | beam.Map(_write, directory)


def _write(found: dict, directory: str) -> None:
    import numpy as np

    with atomic_file(f"{directory}/mean.npy") as file:
        np.save(file, found["mean_image"])
    with atomic_file(f"{directory}/statistics.json") as file:
        file.write(json.dumps({name: value for name, value in found.items() if name != "mean_image"}, indent=1).encode())
