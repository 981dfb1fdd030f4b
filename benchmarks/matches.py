"""Measures how well the maps of a trained network match those of others, and the correlation that chance reaches.

Command: .venv/bin/python benchmarks/matches.py RUN SEED ALEXNET
RUN, SEED and ALEXNET are directories of `zfnet run`, or model files: by default, with `--seed 1`, and with `--architecture alexnet-small`.
Writes benchmarks/matches.json, and from it a table in docs/deconvnet.md. Takes about a minute on two cores.
"""

import argparse
import pathlib

import numpy as np
from report import commit, conditions, machine, markdown, versions, write

from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.layers import default_layers
from zfnet.components.figures.matching.matches import match_layers
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.pipeline.cli.arguments import find_model

NAME = "matches"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "deconvnet.md"
IMAGES = 400  # Validation examples over which maps are correlated.
OTHERS = "another seed", "AlexNet"


def measure(run: str, others: list[str]) -> dict:
    """For each other network and layer: percentiles of the best correlations of all maps, trained and with shuffled weights."""
    found = find_model(run)
    one = Deconvnet(found.open_model(None)[0])
    results: dict[str, dict] = {}
    for name, argument in zip(OTHERS, others, strict=True):
        other = Deconvnet(find_model(argument).open_model(None)[0])
        images = [ImageSet.of_examples(each.model, found.examples, most=IMAGES) for each in (one, other)]
        layers = [(layer, layer) for layer in default_layers(one)]
        results[name] = {}
        for each in match_layers(one, other, (images[0], images[1]), layers, name):
            trained, chance = each.matches.best_correlations, each.chance
            results[name][each.layers[0]] = {
                "maps": len(each.maps(True)) + len(each.maps(False)),
                "median": float(np.nanmedian(trained)),
                "chance": float(np.nanmedian(chance)),
                "threshold": each.threshold,
                "one_in_twenty": float(np.nanpercentile(chance, 95)),
                "matched": len(each.maps(True)),
            }
    return results


def table(result: dict) -> str:
    """The result as Markdown."""
    rows = [
        [
            layer,
            name,
            f"{each['median']:.2f}",
            f"{each['chance']:.2f}",
            f"{each['one_in_twenty']:.2f}",
            f"{each['matched']} of {each['maps']}",
        ]
        for name, layers in result["others"].items()
        for layer, each in layers.items()
    ]
    head = ["layer", "matched with", "best correlation, median", "weights shuffled, median", "one map in twenty above", "maps with a match"]
    return markdown(head, rows) + f"\n{result['images']} validation examples of the default data.\n" + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "seed", "alexnet"):
        parser.add_argument(name)
    given = parser.parse_args()
    result = {
        "command": f"python benchmarks/{NAME}.py RUN SEED ALEXNET",
        "commit": commit(),
        "machine": machine(),
        "versions": versions("numpy", "scipy"),
        "images": IMAGES,
        "others": measure(given.run, [given.seed, given.alexnet]),
    }
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
