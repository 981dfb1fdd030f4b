import pytest

from zfnet.components.data.beam import pack_by_key
from zfnet.components.data.beam.pack_by_key import PackByKey, unpack


def by_remainder(numbers, divisor):
    return ((number % divisor, number) for number in numbers)


@pytest.mark.parametrize(("together", "rounds"), [(10_000, 1), (500, 2)])
def test_few_items_of_many_elements_are_packed_together(together, rounds, monkeypatch):
    monkeypatch.setattr(pack_by_key, "TOGETHER", together)
    packing = PackByKey(by_remainder)
    packing.start_bundle()
    found = []
    for first in range(0, 1000, 2):
        found += packing.process([first, first + 1], 10)
    found += [element.value for element in packing.finish_bundle()]
    assert sorted(key for key, _ in found) == sorted(key for key in range(10) for _ in range(rounds))
    assert all(number % 10 == key for key, packed in found for number in unpack(packed))
    assert sorted(number for _, packed in found for number in unpack(packed)) == list(range(1000))
    assert list(packing.finish_bundle()) == []
