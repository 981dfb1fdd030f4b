"""The pictures of a run in the order in which the page shows them, each with what is to be seen."""

from __future__ import annotations

import json
from typing import NamedTuple

from etils import epath

# What stands above the pictures whose names begin so, and what stands below the heading.
SECTIONS = {
    "features": (
        "What the net looks for",
        "From the image upwards: the filters of the first layer; then, of each layer, feature maps that are chosen to differ, with their "
        "nine strongest activations over the validation examples, projected to pixels by the deconvnet, beside the patches of the "
        "photographs (Zeiler & Fergus 2013, Fig. 2). Grey is 0.",
    ),
    "gallery_": (
        "Feature maps at random",
        "Of some maps of each layer the nine strongest activations: projected to pixels, left, and the patches, right.",
    ),
    "evolution_": (
        "When they came to look for it",
        "Left, the strongest activation of a map over the training examples, after some epochs, with its patch (Fig. 4): where a row "
        "jumps, another image has become the strongest. Right, what the map saw of its last patch after each of them. Grey is 0.",
    ),
    "filters": (
        "The first layers",
        "Filters, and what was measured of them: structure, aliasing, size, maps that are never positive, and how activation is spread "
        "(Fig. 6).",
    ),
    "occlusion": (
        "What an answer rests on",
        "A grey square is slid over a validation example; activation and probability fall where it covers what the net looks at (Fig. 7). "
        "The example is chosen because its answer falls at one place.",
    ),
}


class Section(NamedTuple):
    """Pictures of one kind.

    Attributes:
        title: their heading.
        about: what is to be seen.
        words: sentences that belong to them.
        files: the pictures, by their title.
    """

    title: str
    about: str
    words: list[str]
    files: dict[str, epath.Path]


def report_pictures(figures: epath.Path) -> list[Section]:
    """Sorts the pictures of a run.

    Args:
        figures: the directory of its pictures.

    Returns:
        The sections that have any; upper layers first, since they show most.
    """
    names = sorted(path.name for path in figures.glob("*.png"))
    sections = []
    for start, (title, about) in SECTIONS.items():
        files = {
            name.removeprefix(start).removesuffix(".png").strip("_") or title: figures / name for name in names if name.startswith(start)
        }
        if files:
            ordered = dict(reversed(files.items())) if start.endswith("_") else files
            sections.append(Section(title, about, _verdicts(figures) if start == "filters" else [], ordered))
    return sections


def _verdicts(figures: epath.Path) -> list[str]:
    if not (figures / "filters.json").exists():
        return []
    models = json.loads((figures / "filters.json").read_text())["models"].values()
    return [verdict["words"] for model in models for verdict in model["verdicts"]]
