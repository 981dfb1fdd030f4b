import dataclasses
import io
import pathlib

import apache_beam as beam
import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.beam.options import check_data_reaches_runner
from zfnet.components.data.beam.pipeline import open_pipeline
from zfnet.components.data.sources import photo_patches as photo_patches_source
from zfnet.components.data.sources import photographs
from zfnet.components.data.sources.patches import PATCHES, cut_patches
from zfnet.components.data.sources.photo_patches import PhotoPatchesSource
from zfnet.components.data.sources.photo_patches_builder import PhotoPatches
from zfnet.components.data.sources.photographs import PHOTOGRAPHS


def test_the_fingerprint_follows_version_and_photographs(monkeypatch):
    before = PhotoPatchesSource().fingerprint()
    monkeypatch.setattr(photo_patches_source, "PHOTO_PATCHES_VERSION", "1.0.1")
    version = PhotoPatchesSource().fingerprint()
    monkeypatch.setattr(photo_patches_source, "PHOTOGRAPHS", PHOTOGRAPHS[1:])
    assert len({before, version, PhotoPatchesSource().fingerprint()}) == 3


def test_labels_are_those_of_the_data_set(tmp_path):
    assert PhotoPatchesSource().labels == PhotoPatches(data_dir=tmp_path).info.features["label"].names
    assert str(PhotoPatches.VERSION) == photographs.PHOTO_PATCHES_VERSION


def _write(planned, path):
    with pathlib.Path(path).open("w") as file:
        file.writelines(f"{split} {id} {label}\n" for (split, _, _), patches in planned for id, label, _ in patches)


def test_every_patch_comes_once_in_its_split_and_classes_are_mixed(tmp_path):
    source = PhotoPatchesSource()
    with open_pipeline("FnApiRunner") as pipeline:
        planned = source.plan(pipeline, None)
        _ = planned | beam.combiners.ToList() | beam.Map(_write, str(tmp_path / "planned"))
    lines = [line.split() for line in (tmp_path / "planned").read_text().splitlines()]
    for split, count in PATCHES.items():
        found = [id for of, id, _ in lines if of == split]
        assert sorted(found) == [f"{name}/{split}/{number:04d}" for name in sorted(source.labels) for number in range(count)]
    assert all(source.labels[int(label)] == id.split("/")[0] for _, id, label in lines)
    # Any part of a split is of all classes, about alike.
    first = [int(label) for split, _, label in lines if split == "train"][:600]
    assert np.bincount(first, minlength=len(source.labels)).min() > 20


def test_a_patch_is_that_of_the_data_set_without_its_losses():
    (place,) = (place for place, photograph in enumerate(PHOTOGRAPHS) if photograph.name == "coffee")
    expected = list(cut_patches(PHOTOGRAPHS[place], "validation"))[:3]
    with Image.open(io.BytesIO(PHOTOGRAPHS[place].read())) as file:
        pixels = np.asarray(file.convert("RGB"))
    for patch, known in zip(PhotoPatchesSource.read([(patch["id"], place, b"") for patch in expected]), expected, strict=True):
        assert (patch.id, patch.label, patch.photograph) == (known["id"], place, "coffee")
        assert patch.box == tuple(known["box"].tolist())
        top, left, bottom, right = patch.box
        with Image.open(io.BytesIO(patch.read())) as cut:
            np.testing.assert_array_equal(np.asarray(cut), pixels[top:bottom, left:right])


def test_a_photograph_that_is_another_is_told_before_anything_is_cut(monkeypatch):
    monkeypatch.setattr(photo_patches_source, "PHOTOGRAPHS", (dataclasses.replace(PHOTOGRAPHS[0], sha256="0"), *PHOTOGRAPHS[1:]))
    with pytest.raises(ValueError, match="expected the file that scikit-image"):
        PhotoPatchesSource().plan(beam.Pipeline(), None)


def test_workers_elsewhere_have_the_photographs():
    check_data_reaches_runner("DataflowRunner", PhotoPatchesSource().location)
