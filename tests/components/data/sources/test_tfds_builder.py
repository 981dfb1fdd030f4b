import pytest

from zfnet.components.data.sources.patches import PATCHES
from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.data.sources.tfds_builder import published_counts


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("imagenet2012", None, {"train": 1_281_167, "validation": 50_000}),
        ("cifar10", None, {"train": 50_000, "test": 10_000}),
        ("imagenette", "320px-v2", {"train": 9_469, "validation": 3_925}),
        ("imagenette", "320px", None),
        ("imagenette", None, None),
        ("plain_colours", "three", None),
    ],
)
def test_known_data_sets(name, config, expected):
    assert published_counts(name, config) == expected


def test_patches_are_counted_as_they_are_cut():
    assert published_counts("photo_patches", None) == {split: number * len(PHOTOGRAPHS) for split, number in PATCHES.items()}
