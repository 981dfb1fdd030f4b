import tensorflow_datasets as tfds

from zfnet.components.data.sources import patches
from zfnet.components.data.sources import photo_patches_builder as photo_patches
from zfnet.components.data.sources.photographs import PHOTOGRAPHS


def test_tfds_knows_it_by_name(monkeypatch, tmp_path):
    monkeypatch.setattr(photo_patches, "PATCHES", counts := {"train": 4, "validation": 2})
    monkeypatch.setattr(patches, "PATCHES", counts)
    monkeypatch.setattr(photo_patches, "PHOTOGRAPHS", PHOTOGRAPHS[:3])
    tfds.disable_progress_bar()
    builder = tfds.builder("photo_patches", data_dir=tmp_path)
    builder.download_and_prepare()
    assert builder.info.features["label"].names == ["astronaut", "brick", "camera"]
    assert {split: info.num_examples for split, info in builder.info.splits.items()} == {"train": 12, "validation": 6}
    (expected,) = (patch for patch in patches.cut_patches(PHOTOGRAPHS[1], "train") if patch["id"] == "brick/train/0003")
    (found,) = (example for example in builder.as_dataset(split="train").as_numpy_iterator() if example["id"] == b"brick/train/0003")
    assert (found["photograph"], found["label"], found["box"].tolist()) == (b"brick", 1, expected["box"].tolist())
    assert found["image"].shape == (min(expected["box"][2] - expected["box"][0], 256),) * 2 + (3,)
