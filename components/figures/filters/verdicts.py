"""What the measures of a net's filters say, in words, and what to change."""

from typing import NamedTuple

import numpy as np

from zfnet.model.measures.filters import FilterStructure, white_noise
from zfnet.model.measures.map_activations import ActivationSpread, MapActivations

# Trainings of the default data that left noise gave 0.19 to 0.33 of the filters structure, those that learned little but colours 0.40 to
# 0.44, and those whose upper layers draw recognisable things 0.67 and more.
STRUCTURED = 0.5
# Of the filters, one in ten is worth a word on what to do about it.
MANY = 0.1
# What filters are that have no structure, and what to do about many of them.
UNSTRUCTURED = {
    "noise": "Filters begin as noise: begin with smaller weights, or train longer. (Waves shorter than 6 weights count as noise, too.)",
    "one colour": "If colours alone tell the classes apart, no shapes are learned: vary colours and brightness, or cut larger crops.",
    "nothing but zeros": "Filters of zeros see nothing: begin with larger weights.",
}
# A filter is mostly aliased if more of it than not is beyond what its stride represents.
MOSTLY_ALIASED = 0.5
# Of the layer's median, a quarter: what comes out folded then has more than half the amplitude of what does not (the root of 1 : 3).
MEDIAN_ALIASED = 0.25
# Of white noise's part. Filters that have it nearly all have not learned yet: no stride is to blame.
NOISE = 0.9
# Single filters go wrong in any training; one in ten is a matter of the layer.
ALIASED_FILTERS = 0.1
# A few dead units in a layer of hundreds cost next to nothing, and other images may wake them; more than one in twenty is capacity lost.
DEAD_SHARE = 0.05
# A unit that one image in a hundred wakes is missed by 300 of them in one case of twenty; fewer images do not tell rare from dead. Maps of
# the first layer see a pattern at every position, so that any image will do.
ENOUGH_IMAGES = 300
# The clip is there for a few filters that would dominate. If most are at it, it sets the scale of the whole layer.
CLIPPED_SHARE = 0.5
# Filters that learned from small weights differ in size more than those that kept the noise that they began with (1.2 from the median to
# the largest). In five of six trainings in which more than two thirds had structure, and no clip was in reach, that was 3.8 to 4.7.
DOMINATING = 5.0
# An even layer's strongest tenth has 0.1 of the activation, those of the default run 0.2 to 0.4.
PILED_UP = 0.5
# A tenth of fewer maps is not a whole map.
SMALLEST_SPREAD = 10

BEFORE = "before the filters of layer 1 have structure"
SAYS_LITTLE = f"That says little {BEFORE}."

# Layers, and maps of each, that a sentence names; the numbers beside it have them all.
MOST_NAMED = 5


class Verdict(NamedTuple):
    """One finding.

    Attributes:
        measure: `structure`, `aliasing`, `filter size`, `dead maps` or `spread`.
        change: whether something should be changed; None if that can't be told.
        words: what was found, and what to change.
    """

    measure: str
    change: bool | None
    words: str


def judge_structure(layer: str, structure: FilterStructure) -> Verdict:
    """Judges whether the filters of the first convolution have learned to look for something."""
    if structure.share is None:
        return Verdict("structure", None, f"{layer}: its filters are too small to tell a line from noise; their structure is not judged.")
    count = len(structure.structured)
    found = [f"{structure.structured.sum()} of {count} filters have structure (edges, gratings, borders of colours)"]
    advice = []
    zeros = ~(structure.structured | structure.noisy | structure.plain)
    for (kind, words), filters in zip(UNSTRUCTURED.items(), (structure.noisy, structure.plain, zeros), strict=True):
        if filters.any():
            found.append(f"{filters.sum()} {'is' if filters.sum() == 1 else 'are'} {kind}")
        if filters.mean() > MANY:
            advice.append(words)
    change = structure.share < STRUCTURED
    return Verdict("structure", change, " ".join([f"{layer}: {'; '.join(found)}.", *(advice if change else [])]))


def judge_aliasing(layer: str, aliased: np.ndarray, size: tuple[int, int], strides: tuple[int, int], unlearned: bool = False) -> Verdict:
    """Judges the filters of the first convolution.

    Args:
        layer: its name.
        aliased: as `aliased_energy` returns it.
        size: height and width of the filters, in pixels.
        strides: vertical and horizontal, in pixels.
        unlearned: whether few filters have structure: the stride has nothing to fit, no filter dominates, and activation is spread evenly.
    """
    median, mostly = float(np.median(aliased)), aliased > MOSTLY_ALIASED
    what = f"{layer}, {_times(size)} with stride {_stride(strides)}"
    if max(strides) == 1:
        return Verdict("aliasing", False, f"{what}: every position is looked at, so nothing is aliased.")
    found = f"{what}: the stride can't represent {median:.0%} of the median filter's spectrum"
    if mostly.any():
        found += f"; mostly aliased: {_of(mostly, 'filters')}"
    if unlearned:
        return Verdict("aliasing", None, f"{found}. Whether the stride fits can't be judged {BEFORE}.")
    if median > NOISE * white_noise(strides):
        words = (
            f"{found}. White noise has {white_noise(strides):.0%}: the filters have learned next to nothing. Train longer, or begin with"
        )
        return Verdict("aliasing", True, f"{words} smaller weights or a higher learning rate.")
    if median > MEDIAN_ALIASED or mostly.mean() > ALIASED_FILTERS:
        words = f"{found}. A smaller stride represents finer patterns; smaller filters go with it (the paper: 7 x 7, stride 2)."
        return Verdict("aliasing", True, words)
    return Verdict("aliasing", False, f"{found}. The stride fits the filters.")


def judge_size(layer: str, rms: np.ndarray, clipped: np.ndarray | None, radius: float | None, unlearned: bool = False) -> Verdict:
    """Judges the sizes of the first convolution's filters; `clipped` says which are at the radius of the clip, if one is known."""
    median = float(np.median(rms))
    ratio = float(rms.max()) / median if median > 0 else np.inf if rms.any() else 1.0
    dominates = ratio > DOMINATING
    largest = f"the largest filter's RMS is {ratio:.1f} times the median's ({median:.2g})"
    if clipped is None:
        if dominates:
            words = f"{layer}: {largest}: clip the filters' RMS, at {2 * median:.2g} for a start (FilterRmsClip)."
            return Verdict("filter size", True, words)
        if unlearned:
            return Verdict("filter size", None, f"{layer} has no RMS clip; {largest}. {SAYS_LITTLE}")
        return Verdict("filter size", False, f"{layer} has no RMS clip, and no filter dominates: {largest}.")
    found = f"{layer}: filters at the RMS clip of {radius:.2g}: {clipped.sum()} of {len(clipped)}"
    if clipped.mean() > CLIPPED_SHARE:
        return Verdict("filter size", True, f"{found}. It sets the scale of the whole layer: lower the learning rate, or raise the radius.")
    if dominates:
        return Verdict("filter size", True, f"{found}; and {largest}: lower the radius, to {2 * median:.2g} for a start.")
    if unlearned:
        return Verdict("filter size", None, f"{found}; {largest}. {SAYS_LITTLE}")
    return Verdict("filter size", False, f"{found}; no filter dominates: {largest}.")


def judge_dead(layers: dict[str, MapActivations], first: str | None) -> list[Verdict]:
    """Judges the maps that are never positive, of all layers that end in a ReLU; `first` has that of the first convolution, if any."""
    if not layers:
        return [Verdict("dead maps", False, "No layer ends in a ReLU: there are no dead maps to find.")]
    images = next(iter(layers.values())).images
    over = f"over {images} image{'s' if images > 1 else ''}"
    dead = {layer: maps.dead for layer, maps in layers.items() if maps.dead.any()}
    if not dead:
        return [Verdict("dead maps", False, f"No map of any layer is dead {over}.")]
    few = {layer: each for layer, each in dead.items() if each.mean() <= DEAD_SHARE}
    told = {layer for layer, each in dead.items() if images >= ENOUGH_IMAGES or layer == first or each.all()}
    many = {layer: each for layer, each in dead.items() if layer in told and layer not in few}
    unsure = {layer: each for layer, each in dead.items() if layer not in told and layer not in few}
    verdicts = []
    if many:
        words = f"Never positive {over}: {_listed(many)}. Lower the learning rate, or begin with larger biases"
        if first in many:
            words += "; in layer 1, the paper has fewer of them with smaller filters and a smaller stride"
        verdicts.append(Verdict("dead maps", True, f"{words}."))
    if unsure:
        words = f"Never positive {over}, too few to tell rare maps from dead ones (take {ENOUGH_IMAGES}): {_listed(unsure)}."
        verdicts.append(Verdict("dead maps", None, words))
    if few:
        verdicts.append(Verdict("dead maps", False, f"Never positive {over}, few enough to leave as they are: {_listed(few)}."))
    return verdicts


def judge_spread(spreads: dict[str, ActivationSpread], maps: dict[str, int], unlearned: bool = False) -> Verdict:
    """Judges how evenly activation is spread over each layer's maps; `maps` has their number."""
    wide = {layer: spread for layer, spread in spreads.items() if maps[layer] >= SMALLEST_SPREAD}
    if not wide:
        return Verdict("spread", None, f"No layer that ends in a ReLU has {SMALLEST_SPREAD} maps or more: too few to speak of a spread.")
    layer, most = max(wide.items(), key=lambda item: item[1].strongest_tenth)
    found = f"the strongest tenth of the maps has {most.strongest_tenth:.0%} of the activation of {layer} (entropy {most.entropy:.2f} of 1)"
    piled = sum(spread.strongest_tenth > PILED_UP for spread in wide.values())
    if not piled:
        words = f"Activation is spread over the maps of every layer; at most {found}."
        return Verdict("spread", None, f"{words} {SAYS_LITTLE}") if unlearned else Verdict("spread", False, words)
    words = f"{piled} of {len(wide)} layers pile{'s' if piled == 1 else ''} activation up in a few maps: {found}."
    return Verdict("spread", True, f"{words} Clip the filters' RMS lower, or lower the learning rate.")


def _listed(dead: dict[str, np.ndarray]) -> str:
    worst = sorted(dead, key=lambda layer: -dead[layer].mean())[:MOST_NAMED]
    named = "; ".join(f"{layer} {_of(each)}" for layer, each in dead.items() if layer in worst)
    return named + (f"; and {len(dead) - len(worst)} more layers with fewer" if len(dead) > len(worst) else "")


def _of(dead: np.ndarray, what: str = "maps") -> str:
    numbers = np.flatnonzero(dead)
    named = ", ".join(map(str, numbers[:MOST_NAMED])) + (", ..." if len(numbers) > MOST_NAMED else "")
    return f"{len(numbers)} of {len(dead)} {what} ({named})"


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _stride(strides: tuple[int, int]) -> str:
    return str(strides[0]) if strides[0] == strides[1] else _times(strides)
