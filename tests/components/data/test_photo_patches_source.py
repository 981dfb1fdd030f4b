import pytest
import tensorflow_datasets as tfds

from zfnet.components.data import photographs
from zfnet.components.data.beam_pipeline import open_pipeline
from zfnet.components.data.photo_patches import PhotoPatches
from zfnet.components.data.photo_patches_source import PhotoPatchesSource
from zfnet.components.data.photographs import PHOTOGRAPHS


def test_the_fingerprint_follows_version_and_photographs(monkeypatch, tmp_path):
    from zfnet.components.data import photo_patches_source

    before = PhotoPatchesSource(tmp_path).fingerprint()
    assert before == PhotoPatchesSource("elsewhere").fingerprint()
    monkeypatch.setattr(photo_patches_source, "PHOTO_PATCHES_VERSION", "1.0.1")
    version = PhotoPatchesSource(tmp_path).fingerprint()
    monkeypatch.setattr(photo_patches_source, "PHOTOGRAPHS", PHOTOGRAPHS[1:])
    assert len({before, version, PhotoPatchesSource(tmp_path).fingerprint()}) == 3


def test_labels_are_those_of_the_data_set(tmp_path):
    assert PhotoPatchesSource(tmp_path).labels == PhotoPatches(data_dir=tmp_path).info.features["label"].names
    assert str(PhotoPatches.VERSION) == photographs.PHOTO_PATCHES_VERSION


def test_all_patches_come_through(tmp_path, capfd):
    tfds.enable_progress_bar()
    source = PhotoPatchesSource(tmp_path)
    with open_pipeline("FnApiRunner") as pipeline:
        source.plan(pipeline, None)
    assert capfd.readouterr().out == ""
    from zfnet.components.data.tfds_range import TfdsRange

    directory = str(tmp_path / "photo_patches/1.0.0")
    found = list(source.read([TfdsRange(directory, "validation", 0, 750, "image", "label")]))
    assert len({photograph.id for photograph in found}) == 750
    for photograph in found:
        name, split, _ = photograph.id.split("/")
        assert (photograph.photograph, source.labels[photograph.label], split) == (name, name, "validation")
        assert len(photograph.box) == 4
    assert [photograph.id for photograph in source.read([TfdsRange(directory, "validation", 7, 9, "image", "label")])] == [
        found[7].id,
        found[8].id,
    ]
    with pytest.raises(ValueError, match="train"):
        list(source.read([TfdsRange(directory, "missing", 0, 1, "image", "label")]))
