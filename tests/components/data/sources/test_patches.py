import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.sources.patches import PATCHES, cut_patches
from zfnet.components.data.sources.photographs import PHOTO_PATCHES_VERSION, PHOTOGRAPHS

# Reads a patch as a worker of Beam does, and prints whether that imported TFDS.
READ = """
import sys
from zfnet.components.data.sources.photo_patches import PhotoPatchesSource
photograph, = PhotoPatchesSource.read([("coins/train/0000", 6, b"")])
print(photograph.read()[:2].decode(), "tensorflow_datasets" in sys.modules)
"""


@pytest.fixture(scope="module")
def patches():
    """All patches of all photographs: `(photograph, split) -> list`."""
    return {(photograph.name, split): list(cut_patches(photograph, split)) for photograph in PHOTOGRAPHS for split in PATCHES}


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.name)
def test_no_pixel_is_in_both_splits(patches, photograph):
    with Image.open(io.BytesIO(photograph.read())) as image:
        width, height = image.size
    train = np.array([patch["box"] for patch in patches[photograph.name, "train"]])
    validation = np.array([patch["box"] for patch in patches[photograph.name, "validation"]])
    assert train[:, 3].max() <= 0.7 * width  # right edge, exclusive
    assert validation[:, 1].min() >= int(0.7 * width) >= train[:, 3].max()
    for top, left, bottom, right in np.concatenate([train, validation]):
        assert 0 <= top < bottom <= height
        assert 0 <= left < right <= width
        assert 0.15 * min(width, height) <= bottom - top == right - left <= 0.6 * min(width, height)


def test_patches_have_several_sizes_and_lie_everywhere(patches):
    boxes = np.array([patch["box"] for patch in patches["coffee", "train"]])
    sides = boxes[:, 2] - boxes[:, 0]
    assert 60 <= sides.min() < 65
    assert 235 < sides.max() <= 240
    assert len(set(sides.tolist())) > 100
    assert boxes[:, 0].min() < 10
    assert boxes[:, 2].max() > 390
    assert boxes[:, 1].min() < 10
    assert boxes[:, 3].max() > 410


def test_patches_are_no_wider_than_the_columns_of_their_split(patches):
    # The right 30 % of a square photograph hold no patch of 0.6: those that would be larger are as wide as the columns.
    boxes = np.array([patch["box"] for patch in patches["brick", "validation"]])
    sides = boxes[:, 2] - boxes[:, 0]
    assert sides.max() == 512 - int(0.7 * 512) < 0.6 * 512
    assert 0.5 < np.mean(sides == sides.max()) < 0.85
    assert sides.min() < 100


def test_counts_and_names(patches):
    # With other counts it is another data set, which needs another version.
    assert (PHOTO_PATCHES_VERSION, PATCHES) == ("2.0.0", {"train": 200, "validation": 50})
    assert {split: len(patches["text", split]) for split in PATCHES} == {"train": 200, "validation": 50}
    ids = [patch["id"] for found in patches.values() for patch in found]
    assert len(set(ids)) == len(ids) == 3750
    patch = patches["astronaut", "train"][7]
    assert (patch["id"], patch["photograph"], patch["label"]) == ("astronaut/train/0007", "astronaut", "astronaut")


@pytest.mark.parametrize("name", ["chelsea", "coins", "retina"])
def test_a_patch_is_what_its_box_says(patches, name):
    (photograph,) = (photograph for photograph in PHOTOGRAPHS if photograph.name == name)
    with Image.open(io.BytesIO(photograph.read())) as image:
        original = np.asarray(image.convert("RGB"))
    for patch in patches[name, "validation"][:10]:
        top, left, bottom, right = patch["box"]
        with Image.open(io.BytesIO(patch["image"])) as stored:
            assert (stored.format, stored.mode, stored.size) == ("JPEG", "RGB", (min(right - left, 256),) * 2)
            expected = Image.fromarray(original[top:bottom, left:right]).resize(stored.size, Image.Resampling.BICUBIC)
            assert np.abs(np.asarray(stored).astype(int) - np.asarray(expected)).mean() < 3


def test_the_same_patches_every_time(patches):
    again = list(cut_patches(PHOTOGRAPHS[2], "validation"))
    before = patches[PHOTOGRAPHS[2].name, "validation"]
    assert [patch["image"] for patch in again] == [patch["image"] for patch in before]
    assert [patch["box"].tolist() for patch in again] == [patch["box"].tolist() for patch in before]
    # Which draws these are is part of the data set: with others it needs another version.
    assert before[0]["box"].tolist() == [48, 358, 202, 512]


def test_workers_do_not_import_tfds():
    """While TFDS is imported, it replaces Python's import, and those in other threads of the worker may fail."""
    assert subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=True).stdout == "BM False\n"
