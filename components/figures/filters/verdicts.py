"""Verdicts on a network's filters, with advice."""

from typing import NamedTuple

import numpy as np

from zfnet.model.measures.filters import FilterStructure, white_noise
from zfnet.model.measures.map_activations import ActivationSpread, MapActivations

# Trainings of the default data that left noise gave 0.19 to 0.33 of the filters structure, those that learned little but colours 0.40 to
# 0.44, and those whose upper layers draw recognisable things 0.67 and more.
STRUCTURED = 0.5
# Advice is given if more than a tenth of the filters has the problem.
MANY = 0.1
# Kinds of filters without structure, and the advice if there are many.
UNSTRUCTURED = {
    "noise": "The noise is left from initialisation: use smaller initial weights, or train longer. (Waves shorter than 6 weights "
    "also count as noise.)",
    "one colour": "If colour alone separates the classes, the network learns no shapes: vary colours and brightness, or use larger crops.",
    "nothing but zeros": "Filters of zeros never respond: use larger initial weights.",
}
# A filter is mostly aliased if more of it than not is beyond what its stride represents.
MOSTLY_ALIASED = 0.5
# Limit for the median filter: a quarter. Then the aliased part has more than half the amplitude of the rest (the root of 1 : 3).
MEDIAN_ALIASED = 0.25
# Share of white noise's aliased part. Filters near it have not learned yet, so the stride is not the reason.
NOISE = 0.9
# Single filters fail in any training; more than one in ten is a problem of the layer.
ALIASED_FILTERS = 0.1
# A few dead units in a layer of hundreds cost little, and other images may activate them; more than one in twenty is lost capacity.
DEAD_SHARE = 0.05
# 300 images miss a unit that one image in a hundred activates in one case of twenty; fewer images do not distinguish rare from dead. Maps
# of the first layer see a pattern at every position, so any image is enough.
ENOUGH_IMAGES = 300
# The clip is meant for a few filters that would dominate. If most are at it, it determines the scale of the whole layer.
CLIPPED_SHARE = 0.5
# The largest filter's RMS over the median: 1.2 for filters that kept their initial noise; 3.8 to 4.7 in five of six trainings without a
# clip in which more than two thirds of the filters had structure.
DOMINATING = 5.0
# An even layer's strongest tenth has 0.1 of the activation, those of the default run 0.2 to 0.4.
PILED_UP = 0.5
# A tenth of fewer maps is less than one map.
SMALLEST_SPREAD = 10

BEFORE = "before the filters of layer 1 have structure"
MEANS_LITTLE = f"This means little {BEFORE}."

# Layers, and maps of each, that a sentence names; the JSON file has them all.
MOST_NAMED = 5


class Verdict(NamedTuple):
    """One finding.

    Attributes:
        measure: `structure`, `aliasing`, `filter size`, `dead maps` or `spread`.
        change: whether something should be changed; None if that cannot be judged.
        words: what was found, and what to change.
    """

    measure: str
    change: bool | None
    words: str


def judge_structure(layer: str, structure: FilterStructure) -> Verdict:
    """Judges whether the filters of the first convolution have learned patterns."""
    if structure.share is None:
        return Verdict("structure", None, f"{layer}: the filters are too small to distinguish a line from noise; structure is not judged.")
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
    """Judges whether the stride of the first convolution fits its filters.

    `aliased` is the result of `aliased_energy`; `size` has height and width of the filters, and `strides` is vertical and horizontal, in
    pixels. `unlearned` says that few filters have structure; then the stride cannot be judged.
    """
    median, mostly = float(np.median(aliased)), aliased > MOSTLY_ALIASED
    what = f"{layer}, {size[0]} x {size[1]} with stride {stride_text(strides)}"
    if max(strides) == 1:
        return Verdict("aliasing", False, f"{what}: stride 1 represents every frequency, so nothing is aliased.")
    found = f"{what}: the stride can't represent {median:.0%} of the median filter's spectrum"
    if mostly.any():
        found += f"; mostly aliased: {_of(mostly, 'filters')}"
    if unlearned:
        return Verdict("aliasing", None, f"{found}. The stride cannot be judged {BEFORE}.")
    if median > NOISE * white_noise(strides):
        words = f"{found}. White noise has {white_noise(strides):.0%}: the filters have hardly learned."
        return Verdict("aliasing", True, f"{words} Train longer, or use smaller initial weights or a higher learning rate.")
    if median > MEDIAN_ALIASED or mostly.mean() > ALIASED_FILTERS:
        words = f"{found}. Use a smaller stride, which represents finer patterns, and smaller filters (the paper: 7 x 7, stride 2)."
        return Verdict("aliasing", True, words)
    return Verdict("aliasing", False, f"{found}. The stride fits the filters.")


def judge_size(layer: str, rms: np.ndarray, clipped: np.ndarray | None, radius: float | None, unlearned: bool = False) -> Verdict:
    """Judges the sizes of the first convolution's filters; `clipped` says which are at the radius of the clip, if one is known."""
    median = float(np.median(rms))
    ratio = float(rms.max()) / median if median > 0 else np.inf if rms.any() else 1.0
    dominates = ratio > DOMINATING
    largest = f"the largest filter's RMS is {ratio:.1f} times the median ({median:.2g})"
    if clipped is None:
        if dominates:
            words = f"{layer}: {largest}. Clip the filters' RMS, for example at {2 * median:.2g} (FilterRmsClip)."
            return Verdict("filter size", True, words)
        if unlearned:
            return Verdict("filter size", None, f"{layer} has no RMS clip; {largest}. {MEANS_LITTLE}")
        return Verdict("filter size", False, f"{layer} has no RMS clip, and no filter dominates: {largest}.")
    found = f"{layer}: filters at the RMS clip of {radius:.2g}: {clipped.sum()} of {len(clipped)}"
    if clipped.mean() > CLIPPED_SHARE:
        words = f"{found}. The clip determines the scale of the whole layer: lower the learning rate, or raise the radius."
        return Verdict("filter size", True, words)
    if dominates:
        return Verdict("filter size", True, f"{found}; and {largest}. Lower the radius, for example to {2 * median:.2g}.")
    if unlearned:
        return Verdict("filter size", None, f"{found}; {largest}. {MEANS_LITTLE}")
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
        words = f"Dead {over}: {_listed(many)}. Lower the learning rate, or use larger initial biases."
        if first in many:
            words += " In layer 1, the paper reduces dead maps with smaller filters and a smaller stride."
        verdicts.append(Verdict("dead maps", True, words))
    if unsure:
        words = f"Never positive {over}, too few to distinguish rare maps from dead ones (use {ENOUGH_IMAGES}): {_listed(unsure)}."
        verdicts.append(Verdict("dead maps", None, words))
    if few:
        verdicts.append(Verdict("dead maps", False, f"Dead {over}, too few to matter: {_listed(few)}."))
    return verdicts


def judge_spread(spreads: dict[str, ActivationSpread], maps: dict[str, int], unlearned: bool = False) -> Verdict:
    """Judges how evenly activation is spread over each layer's maps; `maps` has their number."""
    wide = {layer: spread for layer, spread in spreads.items() if maps[layer] >= SMALLEST_SPREAD}
    if not wide:
        return Verdict("spread", None, f"No layer that ends in a ReLU has {SMALLEST_SPREAD} maps or more; the spread is not judged.")
    layer, most = max(wide.items(), key=lambda item: item[1].strongest_tenth)
    found = f"the strongest tenth of the maps has {most.strongest_tenth:.0%} of the activation"
    entropy = f"(entropy {most.entropy:.2f} of 1)"
    piled = sum(spread.strongest_tenth > PILED_UP for spread in wide.values())
    if not piled:
        words = f"Activation is spread over the maps of every layer. Most concentrated is {layer}: {found} {entropy}."
        return Verdict("spread", None, f"{words} {MEANS_LITTLE}") if unlearned else Verdict("spread", False, words)
    words = f"In {piled} of {len(wide)} layers, a few maps have most of the activation: {found} of {layer} {entropy}."
    return Verdict("spread", True, f"{words} Clip the filters' RMS lower, or lower the learning rate.")


def _listed(dead: dict[str, np.ndarray]) -> str:
    worst = sorted(dead, key=lambda layer: -dead[layer].mean())[:MOST_NAMED]
    named = "; ".join(f"{layer}, {_of(each)}" for layer, each in dead.items() if layer in worst)
    return named + (f"; and {len(dead) - len(worst)} more layers with fewer" if len(dead) > len(worst) else "")


def _of(dead: np.ndarray, what: str = "maps") -> str:
    numbers = np.flatnonzero(dead)
    named = ", ".join(map(str, numbers[:MOST_NAMED])) + (", ..." if len(numbers) > MOST_NAMED else "")
    return f"{len(numbers)} of {len(dead)} {what} ({named})"


def stride_text(strides: tuple[int, int]) -> str:
    """The strides as `2`, or `1 x 2` if they differ."""
    return str(strides[0]) if strides[0] == strides[1] else f"{strides[0]} x {strides[1]}"
