"""What every benchmark states beside its numbers, and how its table gets into the documentation."""

import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import time

from zfnet.components.pictures.markdown import markdown_table

HERE = pathlib.Path(__file__).resolve().parent


def machine() -> dict:
    """What this runs on: processor, cores, number of GPUs that TensorFlow sees, operating system."""
    import tensorflow as tf

    information = pathlib.Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "gpus": len(tf.config.list_physical_devices("GPU")),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions(*packages: str) -> dict:
    """Versions of Python, TensorFlow, Keras and further packages."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in ("tensorflow", "keras", *packages)}


def commit() -> str:
    """The commit that is checked out, marked where files differ from it."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def seconds(function, *arguments) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def matrix_product_rate(size: int = 2048, rounds: int = 10) -> float:
    """Operations a second of TensorFlow's matrix product, the best of some rounds: the machine's arithmetic limit."""
    import tensorflow as tf

    one, other = tf.random.normal((size, size)), tf.random.normal((size, size))
    product = tf.function(tf.matmul)
    return 2 * size**3 / min(seconds(lambda: product(one, other).numpy()) for _ in range(rounds))


def photographs(count: int, side: int):
    """Windows of the photographs that come with the project, drawn with seed 0.

    Args:
        count: how many.
        side: their height and width in pixels.

    Returns:
        float32 array `(count, side, side, 3)`, centred values, about -128..128.
    """
    import io

    import numpy as np
    from PIL import Image

    from zfnet.components.data.sources.photographs import PHOTOGRAPHS

    pictures = [np.asarray(Image.open(io.BytesIO(photograph.read())).convert("RGB")) for photograph in PHOTOGRAPHS]
    pictures = [picture for picture in pictures if min(picture.shape[:2]) >= side]
    random = np.random.default_rng(0)
    windows = []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        top, left = (random.integers(0, length - side + 1) for length in picture.shape[:2])
        windows.append(picture[top : top + side, left : left + side].astype(np.float32) - 128)
    return np.stack(windows)


def write(name: str, result: dict, table: str, document: pathlib.Path) -> None:
    """Writes a result as `benchmarks/NAME.json`, and its table to a document between the marks of that benchmark."""
    (HERE / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    document.write_text(with_table(document.read_text(), name, table))


def with_table(text: str, name: str, table: str, part: str = "") -> str:
    """The text with the table between the marks `<!-- made by benchmarks/NAME.py -->`, or `NAME.py, PART`, and `<!-- end -->`."""
    first, last = f"<!-- made by benchmarks/{name}.py{f', {part}' if part else ''} -->\n", "<!-- end -->\n"
    before, rest = text.split(first)
    return before + first + table + last + rest.split(last, 1)[1]


def markdown(head: list[str], rows: list[list]) -> str:
    """A Markdown table."""
    headings, *lines = [[str(cell) for cell in line] for line in (head, *rows)]
    return "".join(f"{line}\n" for line in markdown_table(headings, lines))


def conditions(result: dict) -> str:
    """One line under a table: command, commit, machine, versions."""
    where = result["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    processor = f"{where['cores']} cores of {where['processor']}, {where['gpus'] or 'no'} GPU, {where['system']}"
    return f"\n`{result['command']}` at {result['commit']}; {processor}; {packages}.\n"
