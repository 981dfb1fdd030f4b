import numpy as np

from zfnet.components.figures.filter_comparison import filter_comparison
from zfnet.model.measures.filter_structure import filter_structure


def test_who_has_the_least(clean, coarse, planted):
    structured, aliased, dead, first, second = filter_comparison([coarse, clean, planted])
    assert (
        structured == "Share of layer 1's filters that have structure, least first: runs/planted 0.94, runs/clean 1.00, runs/coarse 1.00."
    )
    assert aliased.startswith("Aliased part of layer 1's median filter, least first: runs/")
    assert aliased.rstrip(".").rpartition(", ")[2].startswith("runs/coarse 0.")
    assert dead.rstrip(".").endswith("runs/planted 3.6%")
    assert first.startswith("Share of the strongest tenth of layer 1's maps")
    assert second.startswith("Share of the strongest tenth of layer 2's maps")


def test_of_one_model_there_is_nothing_to_say(clean):
    assert filter_comparison([clean]) == []


def test_what_one_of_them_has_not_is_not_compared(clean, coarse):
    none = clean._replace(layers={}, spreads={}, rectified=(None, None))
    small = none.first._replace(structure=filter_structure(np.ones((3, 3, 3, 16))))
    (aliased,) = filter_comparison([none._replace(first=small), coarse])
    assert aliased.startswith("Aliased part")


def test_other_photographs_are_told_of(clean, coarse):
    assert "different photographs" in filter_comparison([clean, coarse._replace(photographs="other")])[0]
