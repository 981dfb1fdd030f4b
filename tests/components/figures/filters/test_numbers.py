import json

import numpy as np
import pytest

from zfnet.components.figures.filters.numbers import filter_comparison, filter_numbers
from zfnet.model.measures.filters import filter_structure


def test_every_number_behind_the_pictures(planted):
    numbers = json.loads(json.dumps(filter_numbers(planted), allow_nan=False))
    first = numbers["first_layer"]
    assert (first["name"], first["size"], first["strides"], first["channels"], first["filters"]) == ("conv1", [7, 7], [2, 2], 3, 16)
    assert first["dead"] == [3]
    assert sorted(first["order"]) == list(range(16))
    structure = first["structure"]
    assert (structure["share"], structure["structured"]) == (15 / 16, [*range(5), *range(6, 16)])
    assert (structure["noisy"], structure["plain"]) == ([5], [])
    assert structure["roughness"] == planted.first.structure.roughness.tolist()
    assert structure["varying"] == planted.first.structure.varying.tolist()
    assert first["aliased"]["mostly"] == [5]
    assert first["aliased"]["limit_cycles_a_pixel"] == [0.25, 0.25]
    assert first["aliased"]["median"] == np.median(first["aliased"]["filters"])
    assert first["aliased"]["quartiles"] == [np.quantile(first["aliased"]["filters"], share) for share in (0.25, 0.75)]
    assert len(first["aliased"]["median_beyond"]["energy"]) == len(first["aliased"]["median_beyond"]["cycles_a_pixel"]) == 51
    nothing = dict.fromkeys(("radius", "radius_from", "at_clip", "share_at_clip"))
    assert first["rms"] == {**nothing, "filters": planted.first.rms.tolist()}
    layer = numbers["layers"]["conv1"]
    assert (layer["maps"], layer["dead"], layer["dead_share"], layer["dead_maps"]) == (16, 1, 1 / 16, [3])
    assert layer["mean_activations"][3] == 0
    assert layer["entropy"] == planted.spreads["conv1"].entropy
    assert [each["map"] for each in numbers["second_layer"]["maps"]] == [each.unit for each in planted.second.maps]
    assert numbers["second_layer"]["window"] == [11, 11]
    assert {each["example"] for each in numbers["second_layer"]["maps"]} <= set(planted.images)
    assert [each["measure"] for each in numbers["verdicts"]] == [verdict.measure for verdict in planted.verdicts]


def test_the_share_at_a_clip(gratings_net, report_of):
    report = report_of(gratings_net(), radius=0.2)
    rms = filter_numbers(report)["first_layer"]["rms"]
    assert (rms["radius"], rms["radius_from"]) == (0.2, "--radius")
    assert rms["share_at_clip"] == pytest.approx(len(rms["at_clip"]) / 16)


def test_nothing_to_project(clean):
    report = clean._replace(second=None, no_second="for a reason")
    assert filter_numbers(report)["second_layer"] == {"name": None, "not_drawn": "for a reason", "maps": []}


def test_who_has_the_least(clean, coarse, planted):
    structured, aliased, dead, first, second = filter_comparison([coarse, clean, planted])
    assert (
        structured == "Share of layer 1's filters that have structure, least first: runs/planted 0.94, runs/clean 1.00, runs/coarse 1.00."
    )
    assert aliased.startswith("Aliased part of layer 1's median filter, least first: runs/")
    assert aliased.rstrip(".").rpartition(", ")[2].startswith("runs/coarse 0.")
    assert dead.rstrip(".").endswith("runs/planted 3.6%")
    assert first.startswith("Activation of layer 1 in the strongest tenth of its maps")
    assert second.startswith("Activation of layer 2 in the strongest tenth of its maps")


def test_of_one_model_there_is_nothing_to_say(clean):
    assert filter_comparison([clean]) == []


def test_what_one_of_them_has_not_is_not_compared(clean, coarse):
    none = clean._replace(layers={}, spreads={}, rectified=(None, None))
    small = none.first._replace(structure=filter_structure(np.ones((3, 3, 3, 16))))
    (aliased,) = filter_comparison([none._replace(first=small), coarse])
    assert aliased.startswith("Aliased part")


def test_other_photographs_are_told_of(clean, coarse):
    assert "different photographs" in filter_comparison([clean, coarse._replace(photographs="other")])[0]
