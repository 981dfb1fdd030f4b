import numpy as np

from zfnet.components.features.candidates import Candidates
from zfnet.components.features.overlap import find_overlap


def test_exactly_what_the_pretraining_set_holds_is_found(examples, tmp_path, bars):
    candidates = Candidates.of(examples)
    seen = [2, 9, candidates.train_count + 3]
    pretraining = candidates.write_subset(seen, tmp_path / "pretraining")
    found = find_overlap(candidates, range(len(candidates)), pretraining)
    assert found.found.tolist() == seen
    pairs = found.pairs(candidates, np.arange(candidates.train_count))
    assert [pair["image"] for pair in pairs] == [candidates.ids[number] for number in seen[:2]]
    for pair in pairs:
        assert pair["pretraining"] == pair["image"]
        assert pair["correlation"] > 0.999
        assert not pair["mirrored"]
    assert [(bar.title, bar.total) for bar in bars] == [("Looking for images seen in pretraining", 1)]


def test_only_those_asked_for_are_looked_for(examples, tmp_path):
    candidates = Candidates.of(examples)
    pretraining = candidates.write_subset([2, 9], tmp_path / "pretraining")
    found = find_overlap(candidates, [9, 4, 9], pretraining)
    assert found.numbers.tolist() == [4, 9]
    assert found.found.tolist() == [9]
