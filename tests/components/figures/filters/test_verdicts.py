import numpy as np
import pytest

from zfnet.components.figures.filters.verdicts import judge_aliasing, judge_dead, judge_size, judge_spread, judge_structure
from zfnet.model.measures.filters import filter_structure
from zfnet.model.measures.map_activations import MapActivations, activation_spread


def maps(dead, count=100, images=700):
    maxima = np.ones(count, "float32")
    maxima[dead] = 0
    return MapActivations(maxima, 0 * maxima, maxima.astype(float), images)


def kernel(edges=0, noise=0, colours=0, zeros=0, side=7):
    """So many filters of each kind."""
    edge = np.repeat(np.linspace(-1, 1, side), 3 * side).reshape(side, side, 3)
    rng = np.random.default_rng(0)
    made = [edge] * edges + [rng.normal(size=edge.shape) for _ in range(noise)] + [np.ones_like(edge)] * colours + [0 * edge] * zeros
    return np.stack(made, axis=3)


@pytest.mark.parametrize(
    ("kinds", "change", "words"),
    [
        ({"edges": 7, "noise": 1, "colours": 2}, False, "7 of 10 filters have structure ({}); 1 is noise; 2 are one colour."),
        ({"edges": 5, "noise": 5}, False, "5 of 10 filters have structure ({}); 5 are noise."),
        ({"edges": 10}, False, "10 of 10 filters have structure ({})."),
        (
            {"edges": 4, "noise": 5, "colours": 1},
            True,
            "4 of 10 filters have structure ({}); 5 are noise; 1 is one colour. The noise is left",
        ),
        (
            {"edges": 4, "noise": 1, "colours": 5},
            True,
            "4 of 10 filters have structure ({}); 1 is noise; 5 are one colour. If colour alone",
        ),
        ({"noise": 10}, True, "0 of 10 filters have structure ({}); 10 are noise. The noise is left from initialisation: use smaller"),
        ({"edges": 1, "zeros": 9}, True, "1 of 10 filters have structure ({}); 9 are nothing but zeros. Filters of zeros never respond"),
    ],
)
def test_structure(kinds, change, words):
    found = judge_structure("conv1", filter_structure(kernel(**kinds)))
    assert (found.measure, found.change) == ("structure", change)
    assert found.words.startswith(f"conv1: {words.format('edges, gratings, borders of colours')}")
    # One filter in ten is worth no advice.
    assert (": use smaller initial weights" in found.words) == (change and kinds.get("noise", 0) > 1)
    assert (": vary colours and brightness" in found.words) == (change and kinds.get("colours", 0) > 1)


def test_small_filters_are_not_judged():
    found = judge_structure("conv1", filter_structure(kernel(edges=3, side=3)))
    assert found == ("structure", None, "conv1: the filters are too small to distinguish a line from noise; structure is not judged.")


def test_before_filters_have_structure_nothing_else_is_called_good():
    before = "before the filters of layer 1 have structure."
    for aliased in (0.1, 0.3, 0.93):
        found = judge_aliasing("conv1", np.full(4, aliased), (7, 7), (2, 2), unlearned=True)
        assert found.change is None
        assert f"can't represent {aliased:.0%} of the median filter's spectrum" in found.words
        assert found.words.endswith(f". The stride cannot be judged {before}")
    rms = np.array([1.0, 1.5, 2])
    for clipped, radius in ((None, None), (rms >= 9, 9)):
        found = judge_size("conv1", rms, clipped, radius, unlearned=True)
        assert found.change is None
        assert found.words.endswith(f"; the largest filter's RMS is 1.3 times the median (1.5). This means little {before}")
    found = judge_spread({"a": activation_spread(np.ones(20))}, {"a": 20}, unlearned=True)
    assert found.change is None
    assert found.words.endswith(f"(entropy 1.00 of 1). This means little {before}")


def test_what_is_bad_is_said_of_filters_without_structure_too():
    assert judge_size("conv1", np.array([1.0, 1, 6]), None, None, unlearned=True).change
    assert judge_size("conv1", np.ones(4), np.ones(4, bool), 1, unlearned=True).change
    assert judge_spread({"a": activation_spread(np.array([30.0, 30] + [1] * 18))}, {"a": 20}, unlearned=True).change


@pytest.mark.parametrize(
    ("aliased", "change", "words"),
    [
        ([0.1] * 10, False, "10% of the median filter's spectrum. The stride fits"),
        ([0.1] * 9 + [0.6], False, "mostly aliased: 1 of 10 filters (9). The stride fits"),
        ([0.1] * 8 + [0.6] * 2, True, "mostly aliased: 2 of 10 filters (8, 9). Use a smaller stride"),
        ([0.3] * 10, True, "30% of the median filter's spectrum. Use a smaller stride"),
        ([0.93] * 10, True, "White noise has 94%: the filters have hardly learned"),
    ],
)
def test_aliasing(aliased, change, words):
    found = judge_aliasing("conv1", np.array(aliased), (11, 9), (4, 4))
    assert (found.measure, found.change) == ("aliasing", change)
    assert found.words.startswith("conv1, 11 x 9 with stride 4: the stride can't represent")
    assert words in found.words


def test_a_stride_of_one_aliases_nothing():
    found = judge_aliasing("conv1", np.zeros(4), (3, 3), (1, 1))
    assert not found.change
    assert "stride 1 represents every frequency" in found.words
    assert "with stride 1 x 2:" in judge_aliasing("conv1", np.zeros(4), (3, 3), (1, 2)).words


@pytest.mark.parametrize(
    ("rms", "radius", "change", "words"),
    [
        ([1, 1.5, 2], None, False, "no RMS clip, and no filter dominates: the largest filter's RMS is 1.3 times the median (1.5)"),
        ([1, 1, 6], None, True, "6.0 times the median (1). Clip the filters' RMS, for example at 2"),
        ([1, 1, 4.5], None, False, "no filter dominates: the largest filter's RMS is 4.5 times"),
        ([1, 1.5, 2], 2, False, "filters at the RMS clip of 2: 1 of 3; no filter dominates"),
        (
            [1, 2, 2],
            2,
            True,
            "filters at the RMS clip of 2: 2 of 3. The clip determines the scale of the whole layer: lower the learning rate",
        ),
        ([1, 1, 6], 6, True, "Lower the radius, for example to 2"),
        ([0, 0, 0], None, False, "no filter dominates"),
        ([0, 0, 1], None, True, "inf times"),
    ],
)
def test_size(rms, radius, change, words):
    rms = np.array(rms, float)
    found = judge_size("conv1", rms, None if radius is None else rms >= radius, radius)
    assert (found.measure, found.change) == ("filter size", change)
    assert words in found.words


def test_no_dead_maps():
    (found,) = judge_dead({"conv1": maps([]), "conv2": maps([])}, "conv1")
    assert found == ("dead maps", False, "No map of any layer is dead over 700 images.")
    (found,) = judge_dead({}, None)
    assert not found.change
    assert "No layer ends in a ReLU" in found.words


def test_few_dead_maps_are_named_and_many_are_to_be_changed():
    (few,) = judge_dead({"conv1": maps([]), "conv2": maps([3, 50])}, "conv1")
    assert few == ("dead maps", False, "Dead over 700 images, too few to matter: conv2, 2 of 100 maps (3, 50).")
    many, few = judge_dead({"conv1": maps(range(6)), "conv2": maps([3])}, "conv1")
    assert many.change
    assert many.words.startswith("Dead over 700 images: conv1, 6 of 100 maps (0, 1, 2, 3, 4, ...). Lower the learning rate")
    assert "smaller stride" in many.words
    assert not few.change
    (above,) = judge_dead({"conv1": maps([]), "conv2": maps(range(6))}, "conv1")
    assert above.change
    assert "smaller stride" not in above.words


def test_a_few_images_tell_of_layer_1_and_of_what_is_dead_altogether_alone():
    (unsure,) = judge_dead({"conv1": maps([], images=1), "fc6": maps(range(6), images=1)}, "conv1")
    words = (
        "Never positive over 1 image, too few to distinguish rare maps from dead ones (use 300): fc6, 6 of 100 maps (0, 1, 2, 3, 4, ...)."
    )
    assert unsure == ("dead maps", None, words)
    many, unsure = judge_dead(
        {"conv1": maps(range(6), images=9), "fc6": maps(range(6), images=9), "fc7": maps(range(100), images=9)}, "conv1"
    )
    assert many.words.startswith("Dead over 9 images: conv1, 6 of 100 maps (0, 1, 2, 3, 4, ...); fc7, 100 of 100 maps")
    assert (unsure.change, "fc6, 6 of" in unsure.words) == (None, True)


def test_of_many_layers_the_worst_are_named():
    (found,) = judge_dead({f"conv{number}": maps(range(number + 10)) for number in range(8)}, "conv0")
    assert found.words.count(" of 100 maps") == 5
    assert "conv7, 17 of 100" in found.words
    assert "and 3 more layers with fewer" in found.words


def test_spread():
    even, piled = activation_spread(np.ones(20)), activation_spread(np.array([30.0, 30] + [1] * 18))
    found = judge_spread({"a": even, "b": even}, {"a": 20, "b": 20})
    assert not found.change
    assert "Most concentrated is a: the strongest tenth of the maps has 10% of the activation (entropy 1.00 of 1)" in found.words
    found = judge_spread({"a": even, "b": piled}, {"a": 20, "b": 20})
    assert found.change
    assert found.words.startswith("In 1 of 2 layers, a few maps have most of the activation: the strongest tenth of the maps has 77% of")
    assert judge_spread({"b": piled, "c": piled}, {"b": 20, "c": 20}).words.startswith("In 2 of 2 layers, a few maps have")


def test_layers_of_few_maps_have_no_spread_to_speak_of():
    found = judge_spread({"a": activation_spread(np.array([1.0, 0, 0]))}, {"a": 3})
    assert not found.change
    assert "the spread is not judged" in found.words
