"""Makes the pictures and numbers of docs/paper.md: trains the nets, and runs the command of every figure and table.

Command: make bench BENCHMARKS=paper, or .venv/bin/python benchmarks/paper.py [WORK]
WORK keeps the trained nets: what is there is not trained again, and the figures alone take a few minutes. Without it, everything is made
in a temporary directory, in about half an hour on two cores.
Writes benchmarks/paper.json, from it the tables in docs/paper.md, and docs/pictures/paper_*.png.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import chain

from PIL import Image
from report import HERE, commit, conditions, machine, markdown, versions, with_table

NAME = "paper"
DOCUMENT = HERE.parent / "docs" / "paper.md"
PICTURES = HERE.parent / "docs" / "pictures"
ZFNET = str(pathlib.Path(sys.executable).with_name("zfnet"))
WIDE = "zfnet-small:conv3.filters=256,conv4.filters=512,conv5.filters=256"
# The nets of Table 2, by the name of their root.
NETS = {
    "zfnet": ["--keep-checkpoints"],
    "alexnet": ["--architecture", "alexnet-small"],
    "zfnet-1": ["--seed", "1"],
    "zfnet-2": ["--seed", "2"],
    "wide": ["--architecture", WIDE],
}
# As in Table 2: single nets, the same net several times, and these with the wider one.
ENSEMBLES = {
    "AlexNet": ["alexnet"],
    "ZFNet": ["zfnet"],
    "ZFNet, seed 1": ["zfnet-1"],
    "ZFNet, seed 2": ["zfnet-2"],
    "three ZFNets": ["zfnet", "zfnet-1", "zfnet-2"],
    "ZFNet, layers 3, 4, 5 of 256, 512, 256 maps": ["wide"],
    "the three and the wider one": ["zfnet", "zfnet-1", "zfnet-2", "wide"],
}
# As in Table 3, in the small form.
ARCHITECTURES = {
    "alexnet-small": "AlexNet",
    "alexnet-small:without=conv3,without=conv4": "AlexNet without layers 3, 4",
    "alexnet-small:without=fc6,without=fc7": "AlexNet without layers 6, 7",
    "alexnet-small:without=conv3,without=conv4,without=fc6,without=fc7": "AlexNet without layers 3, 4, 6, 7",
    "zfnet-small": "ZFNet",
    WIDE: "ZFNet, layers 3, 4, 5 of 256, 512, 256 maps",
}
CONVOLUTIONS = [f"conv{number}" for number in range(1, 6)]
# Epochs at which the convergence of the layers is told.
LOOKS = "2", "5", "10"


def zfnet(*arguments, folder: pathlib.Path) -> str:
    """Runs a command of the project in `folder`; what it prints on the standard output."""
    return subprocess.run([ZFNET, *map(str, arguments)], check=True, cwd=folder, stdout=subprocess.PIPE, text=True).stdout


def train(work: pathlib.Path) -> None:
    """Trains what is not there yet; both commands go on where they were stopped."""
    for name, options in NETS.items():
        zfnet("run", "--root", name, *options, folder=work)
    zfnet("compare", *ARCHITECTURES, "--out", "compare", folder=work)


def occluded_image(work: pathlib.Path) -> pathlib.Path:
    """The patch that the default run occludes, as a file that is called as its photograph."""
    from zfnet.components.data.sources.patches import cut_patches
    from zfnet.components.data.sources.photographs import PHOTOGRAPHS

    name, split, number = json.loads((work / "zfnet/figures/occlude.json").read_text())["image"].split("/")
    photograph = next(photograph for photograph in PHOTOGRAPHS if photograph.name == name)
    path = work / f"{name}.jpg"
    path.write_bytes(list(cut_patches(photograph, split))[int(number)]["image"])
    return path


def agreement(root: pathlib.Path) -> dict:
    """How far the nine strongest activations of a map come from one class.

    Returns:
        For each layer `maps`, those with nine, and `share`, the mean over them of the largest part of the nine that one class has;
        `chance`: the same of nine examples drawn at random.
    """
    import numpy as np

    from zfnet.components.artifacts import Examples
    from zfnet.components.figures.gallery.example_search import SHOWN, ExampleSearch
    from zfnet.components.figures.images import ImageSet
    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.model import Deconvnet

    paths = json.loads((root / "run.json").read_text())["artifacts"]
    deconvnet = Deconvnet(load_model_file(root / paths["model"]))
    images = ImageSet.of_examples(deconvnet.model, Examples(root / paths["examples"]))
    search, labels = ExampleSearch(deconvnet, images), images.origins.labels

    def share(numbers) -> float:
        return np.unique(labels[numbers], return_counts=True)[1].max() / SHOWN

    found = {}
    for layer, strongest in search.strongest(CONVOLUTIONS).items():
        chosen = {unit: search.different(layer, unit) for unit in range(len(strongest.values))}
        shares = [share(strongest.examples[unit, ranks]) for unit, ranks in chosen.items() if len(ranks) == SHOWN]
        found[layer] = {"maps": len(shares), "share": float(np.mean(shares))}
    random = np.random.default_rng(0)
    drawn = [share(random.choice(len(labels), SHOWN, replace=False)) for _ in range(10_000)]
    return {"layers": found, "chance": float(np.mean(drawn))}


def convergence(root: pathlib.Path) -> dict:
    """How fast each layer settled, at each epoch: what `convergence.json` of the run's model holds of the convolutions."""
    model = root / json.loads((root / "run.json").read_text())["artifacts"]["model"]
    found = json.loads((model.parent / "convergence.json").read_text())
    return {measure: {layer: layers[layer] for layer in CONVOLUTIONS} for measure, layers in found.items()}


def measure(work: pathlib.Path) -> dict:
    """Runs the commands, and gathers their numbers."""

    def numbers(command: str, *arguments) -> dict:
        zfnet(command, *arguments, "--out", command, folder=work)
        return json.loads((work / command / f"{command}.json").read_text())

    ensembles = {}
    for name, roots in ENSEMBLES.items():
        found = json.loads(zfnet("evaluate", *roots, "--ten-crop", "--json", folder=work))
        ensembles[name] = found["ensemble"] or found["models"][0]
    filters = numbers("filters", "alexnet", "zfnet")["models"]
    invariance = numbers("invariance", "zfnet")
    correspondence = numbers("correspondence", "zfnet")
    zfnet("gallery", "zfnet", "alexnet", "--layer", "conv2", "--layer", "conv5", "--maps", "6", "--out", "gallery", folder=work)
    zfnet("evolution", "zfnet", "--layer", "conv1", "--layer", "conv5", "--out", "evolution", folder=work)
    image = occluded_image(work)
    occluded = numbers("occlude", "zfnet", image.name, "--label", image.stem)
    compared = json.loads((work / "compare" / "compare.json").read_text())
    errors = ("training_top1_error", "validation_top1_error", "validation_top5_error")
    return {
        "command": f"python benchmarks/{NAME}.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "table 2": ensembles,
        "table 3": {row["architecture"]: {name: row[name] for name in (*errors, "parameters")} for row in compared["architectures"]},
        "figure 2": agreement(work / "zfnet"),
        "figure 4": convergence(work / "zfnet"),
        "figure 5": {
            family: {layer: sum(map(sum, distances)) / sum(map(len, distances)) for layer, distances in found["relative_distances"].items()}
            for family, found in invariance["transformations"].items()
        },
        # Of each image the lowest, the untransformed and the highest.
        "figure 5, P(true label)": {
            family: {
                image["class"]: [min(curve), image["probability"], max(curve)]
                for image, curve in zip(invariance["images"], found["probabilities"], strict=True)
            }
            for family, found in invariance["transformations"].items()
        },
        "figure 6": {
            name: {
                "aliased": found["first_layer"]["aliased"]["median"],
                "quartiles": found["first_layer"]["aliased"]["quartiles"],
                "mostly_aliased": len(found["first_layer"]["aliased"]["mostly"]),
                "structured": found["first_layer"]["structure"]["share"],
                "at_clip": len(found["first_layer"]["rms"]["at_clip"]),
                "filters": found["first_layer"]["filters"],
                "dead": sum(layer["dead"] for layer in found["layers"].values()),
                "maps": sum(layer["maps"] for layer in found["layers"].values()),
                "dead_of_layers": {layer: each["dead"] for layer, each in found["layers"].items() if each["dead"]},
                "to_change": [verdict["measure"] for verdict in found["verdicts"] if verdict["change"]],
                "strongest_tenth": {layer: found["layers"][layer]["strongest_tenth"] for layer in ("conv1", "conv2")},
            }
            for name, found in filters.items()
        },
        "figure 7": {
            "class": occluded["class"],
            "probability": occluded["probability"],
            "lowest_probability": min(map(min, occluded["probabilities"])),
            "total": occluded["total"],
            "lowest_total": min(map(min, occluded["totals"])),
            "most_probable": dict(Counter(chain(*occluded["most_probable"]))),
        },
        "table 1": {
            part: {
                layer: {"mean": each["mean"], "std": each["std"], "random": {name: each["random"][name] for name in ("mean", "std")}}
                for layer, each in layers.items()
            }
            for part, layers in correspondence["parts"].items()
        },
    }


def tables(result: dict) -> dict[str, str]:
    """The tables, by the words after the comma in their marks."""
    percent = "{:.1%}".format
    crops = ("top1_error", "top5_error", "top1_error_ten_crop", "top5_error_ten_crop")
    of_nets = [[name, *(percent(found[error]) for error in crops)] for name, found in result["table 2"].items()]
    of_architectures = [
        [ARCHITECTURES[name], *(percent(row[error]) for error in list(row)[:3]), f"{row['parameters']:,}"]
        for name, row in result["table 3"].items()
    ]
    layers = list(next(iter(result["figure 5"].values())))
    of_layers = [[layer, *(f"{found[layer]:.2f}" for found in result["figure 5"].values())] for layer in layers]
    of_filters = [
        [
            name,
            f"{found['aliased']:.2f} ({found['quartiles'][0]:.2f} to {found['quartiles'][1]:.2f})",
            f"{found['mostly_aliased']} of {found['filters']}",
            f"{found['structured']:.2f}",
            f"{found['at_clip']} of {found['filters']}",
            f"{found['dead']} of {found['maps']:,}",
            " / ".join(f"{share:.2f}" for share in found["strongest_tenth"].values()),
        ]
        for name, found in result["figure 6"].items()
    ]
    of_parts = [
        [part, *(_plus_minus(each) for found in layers.values() for each in (found, found["random"]))]
        for part, layers in result["table 1"].items()
    ]
    parts = next(iter(result["table 1"].values()))
    settled = result["figure 4"]
    of_epochs = [
        [layer, *(f"{settled[measure][layer][epoch]:.2f}" for measure in ("weight_change", "strongest_changed") for epoch in LOOKS)]
        for layer in CONVOLUTIONS
    ]
    nine = result["figure 2"]
    made = {
        "figure 2": markdown(
            ["", *nine["layers"], "nine at random"],
            [
                [
                    "of nine from one class, mean over maps",
                    *(f"{each['share']:.0%}" for each in nine["layers"].values()),
                    f"{nine['chance']:.0%}",
                ]
            ],
        ),
        "figure 4": markdown(
            ["", *(f"{what}, epoch {epoch}" for what in ("weights changed by", "maps with another strongest image") for epoch in LOOKS)],
            of_epochs,
        ),
        "figure 5": markdown(["mean distance, of that between images", *result["figure 5"]], of_layers),
        "figure 6": markdown(
            [
                "net",
                "aliased part of conv1's filters",
                "mostly aliased",
                "with structure",
                "at the clip",
                "dead maps",
                "strongest tenth, conv1 / conv2",
            ],
            of_filters,
        ),
        "table 1": markdown(["hidden part", *(text for layer in parts for text in (layer, f"{layer}, random"))], of_parts),
        "table 2": markdown(["nets", "top-1", "top-5", "top-1, ten crops", "top-5, ten crops"], of_nets),
        "table 3": markdown(["net", "training top-1", "validation top-1", "validation top-5", "parameters"], of_architectures),
    }
    return {part: table + conditions(result) for part, table in made.items()}


def _plus_minus(found: dict) -> str:
    return f"{found['mean']:.3f} ± {found['std']:.3f}"


def copy_pictures(work: pathlib.Path) -> None:
    """Takes the pictures that the page shows."""
    for path in (
        "gallery/gallery_conv2.png",
        "gallery/gallery_conv5.png",
        "evolution/evolution_conv1.png",
        "evolution/evolution_conv5.png",
        "invariance/invariance.png",
        "filters/filters.png",
        "occlude/occlusion.png",
        "correspondence/correspondence.png",
        "correspondence/correspondence_parts.png",
        "compare/compare.png",
    ):
        source = work / path
        with Image.open(source) as picture:
            picture.save(PICTURES / f"paper_{source.name}", optimize=True)


def main() -> None:
    """Trains, measures, and writes the result, the tables and the pictures."""
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else temporary).resolve()
        work.mkdir(parents=True, exist_ok=True)
        train(work)
        result = measure(work)
        copy_pictures(work)
    (HERE / f"{NAME}.json").write_text(json.dumps(result, indent=1) + "\n")
    text = DOCUMENT.read_text()
    for part, table in tables(result).items():
        text = with_table(text, NAME, table, part)
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    main()
