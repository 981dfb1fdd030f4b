"""Measures how time and memory of six parts grow with the classes, examples, maps and pixels, each size in a process of its own.

Command: make bench BENCHMARKS=growth, or .venv/bin/python benchmarks/growth.py [CHAIN ...]
Writes benchmarks/growth.json, and from it a table in docs/speed.md. Takes about 15 minutes on two cores. CHAIN is one of those of `SIZES`:
then only its rows are measured anew.
"""

import contextlib
import ctypes
import gc
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from growth_inputs import Size, make_examples, make_folder, make_net, make_root, make_run, random_answers
from report import commit, conditions, machine, markdown, versions, write

NAME = "growth"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
PARTS = {
    "preparation": ["preparation"],
    "features": ["search", "gallery", "page"],
    "evaluation": ["evaluation"],
    "report": ["report"],
}
CLASSES, EXAMPLES = [100, 1_000, 10_000], [1_000, 10_000, 100_000]
SIZES = {
    "preparation": {"classes": CLASSES, "examples": EXAMPLES, "pixels": [64, 128, 256, 512]},
    "features": {"classes": CLASSES, "examples": EXAMPLES, "maps": [64, 128, 256, 512], "pixels": [64, 128, 256]},
    "evaluation": {"classes": CLASSES, "examples": EXAMPLES, "pixels": [64, 128, 256]},
    "report": {"classes": CLASSES, "examples": EXAMPLES},
}
DIMENSIONS = {"classes": "classes", "examples": "examples", "maps": "maps of a layer", "pixels": "pixels of an image (side)"}
# What is not varied, where it is not as usual. Every class of 10,000 needs examples.
OF_CLASSES = Size(examples=20_000)
OTHERS = {(chain, dimension): Size(examples=500) for chain in ("preparation", "features") for dimension in ("maps", "pixels")}
FLAT, BRIEF = 32, 1  # MiB, and seconds: what varies less does not grow
REACHED, LARGE = 100_000, 10_000_000


@contextlib.contextmanager
def measured(found: dict, part: str) -> Iterator[None]:
    """Measures seconds, and the largest memory beyond what the process had before, in MiB."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start = _memory("VmRSS"), time.perf_counter()
    yield
    found[part] = {"seconds": time.perf_counter() - start, "mib": _memory("VmHWM") - before}


def _memory(kind: str) -> float:
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


def prepare(size: Size, work: pathlib.Path, found: dict) -> None:
    """ExampleGen, as `zfnet examples` calls it."""
    from zfnet.components.artifacts import Examples
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples

    folder = make_folder(work / "folder", size)
    with measured(found, "preparation"):
        source, fixed = open_source(str(folder), str(work)), {"num_shards": None, "max_rejected": 0.0, "beam_options": ()}
        generate_examples(Examples(work / "prepared"), source=source, image_size=size.pixels, runner="FnApiRunner", **fixed)


def look(size: Size, work: pathlib.Path, found: dict) -> None:
    """The search, the gallery and the page, as `zfnet gallery` and `zfnet explore` call them; the search for all of them comes first."""
    from zfnet.components.exploration.exploration import write_exploration
    from zfnet.components.figures.gallery.example_search import ExampleSearch
    from zfnet.components.figures.gallery.gallery import GalleryModel, draw_gallery
    from zfnet.components.figures.images import ImageSet
    from zfnet.components.figures.layers import default_layers
    from zfnet.model import Deconvnet

    deconvnet, examples = Deconvnet(make_net(size)), make_examples(work / "examples", size)
    layers = default_layers(deconvnet)
    with measured(found, "search"):
        search = ExampleSearch(deconvnet, ImageSet.of_examples(deconvnet.model, examples))
        search.strongest(layers)
    with measured(found, "gallery"):
        draw_gallery(GalleryModel(search), layers, maps=size.maps // 4, seed=0).save(work)
    with measured(found, "page"):
        write_exploration(search, work / "explore.html", layers, model="net")
    found["page"]["bytes"] = (work / "explore.html").stat().st_size


def evaluate(size: Size, work: pathlib.Path, found: dict) -> None:
    """The Evaluator."""
    from zfnet.components.artifacts import Evaluation, Model, Statistics
    from zfnet.components.evaluator import evaluate as evaluate_model

    examples = make_examples(work / "examples", size)
    for name in ("model", "statistics", "evaluation"):
        (work / name).mkdir()
    make_net(size).save(work / "model" / "model.keras")
    counts = [size.examples // size.classes] * size.classes
    (work / "statistics" / "statistics.json").write_text(json.dumps({"classes": {"train": counts, "validation": counts}}))
    made = Statistics(work / "statistics"), Model(work / "model"), Evaluation(work / "evaluation")
    with measured(found, "evaluation"):
        evaluate_model(examples, *made, ten_crop=False, baseline=None)
    found["evaluation"]["bytes"] = sum(file.stat().st_size for file in (work / "evaluation").iterdir())


def report(size: Size, work: pathlib.Path, found: dict) -> None:
    """What the Evaluator and the Visualizer make of the answers, and `zfnet report`."""
    from zfnet.components.evaluation.confusion import Confusion
    from zfnet.components.evaluation.measures import calibrate, errors, tell_mistakes
    from zfnet.components.figures.images import ImageSet
    from zfnet.components.figures.mistakes.classes import draw_classes
    from zfnet.components.figures.mistakes.confusion import draw_confusion
    from zfnet.pipeline.report import read_report, report_page

    examples, net = make_examples(work / "examples", size), make_net(size)
    directory = make_root(work / "root", pathlib.Path(os.environ["GROWTH_ROOT"]), examples)
    answers, brightness = random_answers(size), [{"mean": 100 + label % 50, "brightest": 250} for label in range(size.classes)]
    with measured(found, "report"):
        images = ImageSet.of_examples(net, examples)
        made = errors(answers) | calibrate(answers) | tell_mistakes(answers, images.labels, images.origins.ids) | {"reason": "better"}
        (directory / "evaluation.json").write_text(json.dumps(made, indent=1))
        draw_confusion(images.labels, Confusion.of(answers.labels, answers.predicted, answers.classes)).save(work / "root" / "figures")
        draw_classes(images, made["classes"], brightness).save(work / "root" / "figures")
        page = report_page(read_report(work / "root"))
    found["report"]["bytes"] = len(page)


CHAINS = {"preparation": prepare, "features": look, "evaluation": evaluate, "report": report}


def measure_here(chain: str, size: Size) -> None:
    """Measures the parts of a chain in this process, after a small round that imports and compiles, and prints them."""
    found: dict[str, dict] = {}
    for each in (size._replace(examples=max(2 * min(size.classes, 10), 20), classes=min(size.classes, 10)), size):
        with tempfile.TemporaryDirectory() as work:
            CHAINS[chain](each, pathlib.Path(work), found)
    print(json.dumps(found))


def measure_chain(chain: str) -> list[dict]:
    """Measures a chain at all its sizes; gives a row for each part and dimension."""
    rows = []
    for dimension, sizes in SIZES[chain].items():
        found = []
        for number in sizes:
            size = OTHERS.get((chain, dimension), OF_CLASSES if dimension == "classes" else Size())._replace(**{dimension: number})
            command = [sys.executable, __file__, chain, *map(str, size)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
            print(chain, size, json.dumps(found[-1]), file=sys.stderr)
        for part in PARTS[chain]:
            rows.append({"part": part, "dimension": dimension, "sizes": sizes, "found": [one[part] for one in found]})
    return rows


def exponent(sizes: list[int], values: list[float], flat: float) -> str:
    """The exponent between the two largest sizes, 1 for linear growth; "flat" if the values differ by less than `flat`."""
    if max(values) - min(values) < flat:
        return "flat"
    return f"{math.log(max(values[-1], 1e-3) / max(values[-2], 1e-3)) / math.log(sizes[-1] / sizes[-2]):.2f}"


def table(result: dict) -> str:
    """The tables of docs/speed.md: all sizes; and the line through the two largest numbers of examples, at 10 million."""
    rows, large = [], []
    for row in result["rows"]:
        sizes, seconds, mib = row["sizes"], *([each[key] for each in row["found"]] for key in ("seconds", "mib"))
        shown = [
            ", ".join(f"{each:,}" for each in sizes),
            ", ".join(f"{each:.3g}" for each in seconds),
            ", ".join(f"{each:,.0f}" for each in mib),
        ]
        amounts = [side**2 for side in sizes] if row["dimension"] == "pixels" else sizes
        rows.append([row["part"], DIMENSIONS[row["dimension"]], *shown, exponent(amounts, seconds, BRIEF), exponent(amounts, mib, FLAT)])
        if row["dimension"] == "examples" and sizes[-1] >= REACHED:  # Fewer are too near to what each part takes for any number.
            more = (LARGE - sizes[-1]) / (sizes[-1] - sizes[-2])
            flat = (max(seconds) - min(seconds) < BRIEF, max(mib) - min(mib) < FLAT)
            hours, gib = (
                each[-1] if same else each[-1] + more * max(0.0, each[-1] - each[-2])
                for each, same in zip((seconds, mib), flat, strict=True)
            )
            large.append([row["part"], f"{hours / 3600:.1f} h", f"{gib / 1024:.1f} GiB"])
    head = ["part", "grows with", "sizes", "seconds", "MiB", "exponent of time", "of memory"]
    files = {
        row["part"]: row["found"][-1]["bytes"] / 1e6
        for row in result["rows"]
        if row["dimension"] == "classes" and "bytes" in row["found"][-1]
    }
    words = "; ".join(f"{part} {size:.1f} MB" for part, size in files.items())
    arithmetic = markdown([f"{LARGE:,} examples, by arithmetic", "time", "memory"], large)
    return f"{markdown(head, rows)}\nFiles of 10,000 classes: {words}.\n\n{arithmetic}{conditions(result)}"


def main(chains: list[str]) -> None:
    """Measures, and writes the result and the table after each chain; chains that are not measured keep their rows."""
    stored = pathlib.Path(__file__).with_suffix(".json")
    rows = json.loads(stored.read_text())["rows"] if stored.exists() else []
    revision = commit()  # Before the first result changes a file.
    with tempfile.TemporaryDirectory() as work:
        if "report" in chains:
            make_run(pathlib.Path(work))
            os.environ["GROWTH_ROOT"] = f"{work}/run"
        for chain in chains:
            rows = [row for row in rows if row["part"] not in PARTS[chain]] + measure_chain(chain)
            rows.sort(key=lambda row: [part for parts in PARTS.values() for part in parts].index(row["part"]))
            result = {"command": f"python benchmarks/{NAME}.py", "commit": revision, "machine": machine()}
            result |= {"versions": versions("apache-beam"), "rows": rows}
            write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[2].isdigit():
        measure_here(sys.argv[1], Size(*map(int, sys.argv[2:])))
    else:
        main(sys.argv[1:] or list(SIZES))
