import json
import shutil

import numpy as np
import pytest

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops
from zfnet.components.features.candidates import Candidates


def test_labels_and_ids_belong_to_the_images(examples):
    candidates = Candidates.of(examples)
    assert len(candidates) == examples.count("train") + examples.count("validation")
    for label, id in zip(candidates.labels, candidates.ids, strict=True):
        assert f"/{examples.labels[label]}/" in f"/{id}"


def test_a_subset_holds_its_images(examples, tmp_path):
    candidates = Candidates.of(examples)
    chosen = [2, 5, candidates.train_count + 1]
    subset = candidates.write_subset(chosen, tmp_path / "subset")
    (images, labels, _), *others = central_crops(subset, "train", size=subset.side, batch_size=9).as_numpy_iterator()
    assert not others
    np.testing.assert_array_equal(labels, candidates.labels[chosen])
    expected = np.concatenate([batch for batch, _ in candidates.batches(chosen, subset.side, 9)])
    np.testing.assert_array_equal(images, expected)


def test_order_and_doubles_of_the_numbers_do_not_matter(examples):
    candidates = Candidates.of(examples)
    chosen = [candidates.train_count + 2, 7, 1, 7]
    numbers = [places.tolist() for _, places in candidates.batches(chosen, 24, 2)]
    assert numbers == [[1, 7], [candidates.train_count + 2]]


def test_a_missing_split_is_an_error(examples, tmp_path):
    alone = Examples(tmp_path / "alone")
    shutil.copytree(examples.path, alone.path)
    manifest = alone.read_json("manifest.json")
    del manifest["splits"]["validation"]
    (alone.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="have no split 'validation': training images are drawn from train"):
        Candidates.of(alone)
