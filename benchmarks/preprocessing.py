"""Measures ExampleGen against a bare process pool that does the same work, and its memory.

Command: make bench BENCHMARKS=preprocessing, or .venv/bin/python benchmarks/preprocessing.py
Writes benchmarks/preprocessing.json, and from it a table in docs/speed.md. Takes about twelve minutes on two cores, and 6 GB of disk.
"""

import io
import json
import multiprocessing
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from report import commit, conditions, machine, markdown, versions, with_table, write

NAME = "preprocessing"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
COST_DOCUMENT = DOCUMENT.with_name("imagenet.md")
IMAGENET = 1_281_167 + 50_000
WORKERS = {1: 4, 10: 4, 50: 4}  # machines, and cores of each
# Dataflow's list prices for batch work as of 2025, US dollars: a core an hour, and a GiB of memory an hour; a machine has 3.75 a core.
CORE_HOUR, GIB_HOUR, GIB_A_CORE = 0.056, 0.003557, 3.75
DISTINCT, CLASSES, SIZE, IMAGE_SIZE = 600, 20, (500, 375), 224
COUNTS = (6_000, 60_000)
ROUNDS = {6_000: 3, 60_000: 2}


def make_photographs(root: pathlib.Path, count: int) -> None:
    """Writes a folder of classes: 600 different JPEGs of 500x375, and links to them."""
    import numpy as np
    from PIL import Image

    from zfnet.components.data.sources.photographs import PHOTOGRAPHS

    pictures = [Image.open(io.BytesIO(photograph.read())).convert("RGB") for photograph in PHOTOGRAPHS]
    random = np.random.default_rng(0)
    files = []
    for number in range(count):
        path = root / f"class{number % CLASSES:02d}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number >= DISTINCT:
            path.hardlink_to(files[number % DISTINCT])
            continue
        picture = pictures[number % len(pictures)]
        scale = max(SIZE[0] / picture.width, SIZE[1] / picture.height) * random.uniform(1, 1.5)
        picture = picture.resize((int(picture.width * scale) + 1, int(picture.height * scale) + 1))
        left, top = random.integers(0, picture.width - SIZE[0] + 1), random.integers(0, picture.height - SIZE[1] + 1)
        picture.crop((left, top, left + SIZE[0], top + SIZE[1])).save(path, quality=90)
        files.append(path)


def prepare_by_step(photographs: str, directory: str) -> None:
    """ExampleGen, as `zfnet examples` calls it."""
    from zfnet.components.artifacts import Examples
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples

    generate_examples(
        Examples(directory),
        source=open_source(photographs, directory),
        image_size=IMAGE_SIZE,
        num_shards=None,
        max_rejected=0.0,
        runner="FnApiRunner",
        beam_options=(),
    )


def prepare_by_pool(photographs: str, directory: str) -> None:
    """The least that could do the work: a process a core, each writing whole shards."""
    from zfnet.components.data.sources.shard_plan import EXAMPLES_PER_SHARD

    paths = sorted(str(path) for path in pathlib.Path(photographs).glob("*/*"))
    number = max(1, round(len(paths) / EXAMPLES_PER_SHARD))
    shards = [(f"{directory}/{index:05d}", paths[index::number]) for index in range(number)]
    pathlib.Path(directory).mkdir()
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        pool.map(write_bare_shard, shards, chunksize=1)


def write_bare_shard(shard: tuple[str, list[str]]) -> None:
    """Decodes, crops, encodes and writes some photographs, by the project's own functions."""
    from zfnet.components.data.examples.shard import write_shard
    from zfnet.components.inputs.photograph import prepare_photograph

    def examples():
        for path in shard[1]:
            image, box = prepare_photograph(pathlib.Path(path).read_bytes(), round(IMAGE_SIZE * 8 / 7))
            yield {"image": image, "label": 0, "class_name": "class", "id": path, "photograph": path, "box": box}

    write_shard(shard[0], examples())


WAYS = {"step": prepare_by_step, "pool": prepare_by_pool}


def measure_here(way: str, photographs: str, directory: str) -> None:
    """Does the work one way in this process, and prints how many seconds it took."""
    start = time.perf_counter()
    WAYS[way](photographs, directory)
    print(json.dumps(time.perf_counter() - start))


def memory_of_tree(process: int) -> float:
    """Resident memory of a process and its children, in MiB; what they share counts once a process."""
    total = 0.0
    for path in [pathlib.Path(f"/proc/{process}/statm"), *_children(process)]:
        try:
            total += int(path.read_text().split()[1]) * resource.getpagesize() / 2**20
        except OSError:  # it has ended meanwhile
            continue
    return total


def _children(process: int) -> list[pathlib.Path]:
    listed = pathlib.Path(f"/proc/{process}/task").glob("*/children")
    return [pathlib.Path(f"/proc/{child}/statm") for path in listed for child in path.read_text().split()]


def measure(way: str, photographs: pathlib.Path) -> dict:
    """Does the work one way in a new process; gives its seconds, and the peak memory of it and its children together in MiB."""
    peak = 0.0
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as printed:
        command = [sys.executable, __file__, way, str(photographs), f"{directory}/examples"]
        with subprocess.Popen(command, stdout=printed, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                peak = max(peak, memory_of_tree(process.pid))
                time.sleep(0.2)
        printed.seek(0)
        return {"seconds": json.loads(printed.read().splitlines()[-1]), "mib": peak}


def measure_count(count: int) -> dict:
    """Both ways in turns on the same photographs, which have just been written and so are in the system's cache."""
    with tempfile.TemporaryDirectory() as directory:
        photographs = pathlib.Path(directory) / "photographs"
        make_photographs(photographs, count)
        rounds = [{way: measure(way, photographs) for way in WAYS} for _ in range(ROUNDS[count])]
    rates = {way: statistics.median(count / one[way]["seconds"] for one in rounds) for way in WAYS}
    return {
        "images_a_second": rates,
        "ratio": statistics.median(one["pool"]["seconds"] / one["step"]["seconds"] for one in rounds),
        "peak_memory_mib": {way: max(one[way]["mib"] for one in rounds) for way in WAYS},
    }


def table(result: dict) -> str:
    """The result as Markdown."""
    head = ["photographs", "ExampleGen, images a second", "bare pool", "ratio", "ExampleGen, peak memory", "bare pool"]
    rows = [
        [
            f"{int(count):,}",
            *(f"{one['images_a_second'][way]:,.0f}" for way in WAYS),
            f"{one['ratio']:.2f}",
            *(f"{one['peak_memory_mib'][way]:,.0f} MiB" for way in WAYS),
        ]
        for count, one in result["counts"].items()
    ]
    return markdown(head, rows) + conditions(result)


def cost_table(result: dict) -> str:
    """What ImageNet would take at the rate that was measured, as Markdown."""
    largest = result["counts"][max(result["counts"], key=int)]
    rate = largest["images_a_second"]["step"] / result["machine"]["cores"]
    rows = []
    for machines, cores in WORKERS.items():
        hours = IMAGENET / (rate * machines * cores) / 3600
        price = hours * machines * cores * (CORE_HOUR + GIB_A_CORE * GIB_HOUR)
        rows.append([f"{machines} of {cores} cores", f"{rate * machines * cores:,.0f}", f"{60 * hours:,.1f} min", f"${price:.2f}"])
    words = f"\n{IMAGENET:,} photographs at {rate:,.0f} a second and core; ${CORE_HOUR} a core and ${GIB_HOUR} a GiB of memory an hour.\n"
    return markdown(["workers", "photographs a second", "time", "cores and memory"], rows) + words + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = {
        "command": f"python benchmarks/{NAME}.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions("apache-beam", "pillow"),
        "counts": {str(count): measure_count(count) for count in COUNTS},
    }
    write(NAME, result, table(result), DOCUMENT)
    COST_DOCUMENT.write_text(with_table(COST_DOCUMENT.read_text(), NAME, cost_table(result)))
    print(table(result), cost_table(result), sep="\n")


if __name__ == "__main__":
    measure_here(*sys.argv[1:]) if len(sys.argv) > 1 else main()
