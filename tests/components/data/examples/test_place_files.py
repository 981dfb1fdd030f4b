import pytest

from zfnet.components.data.examples import place_files
from zfnet.components.data.examples.place_files import PlaceFiles
from zfnet.components.data.sources.shard_plan import pack, unpack


@pytest.mark.parametrize(("together", "rounds"), [(10_000, 1), (500, 2)])
def test_few_photographs_of_many_classes_are_packed_together(together, rounds, monkeypatch):
    monkeypatch.setattr(place_files, "TOGETHER", together)
    classes = [[(f"class{label}/{number}", label, b"path") for number in range(2)] for label in range(500)]
    place = PlaceFiles()
    place.start_bundle()
    found = []
    for files in classes:
        found += place.process(("train", len(files), pack(files)), {"train": 1000}, 10)
    found += [(element.value[0], element.value[1]) for element in place.finish_bundle()]
    assert sorted(key for key, _ in found) == sorted(("train", index, 10) for index in range(10) for _ in range(rounds))
    assert sorted(file for _, packed in found for file in unpack(packed)) == sorted(file for files in classes for file in files)
    assert list(place.finish_bundle()) == []
