"""Measures the input of a training alone, without a net: against a bare loop that decodes the crops, and against others' pipelines.

Command: make bench BENCHMARKS=input, or .venv/bin/python benchmarks/input.py
Writes benchmarks/input.json, and from it tables in docs/speed.md and docs/imagenet.md. Takes about five minutes on two cores. PyTorch's
`DataLoader` runs in an environment of its own, .venv-torch or that of the Python in ZFNET_TORCH_PYTHON; without one its rows are left out.
"""

import contextlib
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, seconds, versions, with_table, write
from steps import prepare
from training_cost import PUBLISHED, operations

from zfnet.components.inputs.photograph import JPEG_QUALITY, JPEG_SUBSAMPLING

NAME = "input"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
GPU_DOCUMENT = DOCUMENT.with_name("imagenet.md")
TORCH_PYTHON = os.environ.get("ZFNET_TORCH_PYTHON") or str(DOCUMENT.parents[1] / ".venv-torch" / "bin" / "python")
TORCH_PEER = pathlib.Path(__file__).resolve().parent / "peers" / "input_in_torch.py"
BATCH, WARM_UP, ROUNDS = 128, 3, 5
SIZES, PHOTOGRAPHS = (96, 224), 2_400
QUALITIES = (85, 75)
NAMES = {
    "bare": "bare loop of `tf.io.decode_and_crop_jpeg`",
    "stored": "`training_batches(centred=False)`, uint8: a training by the paper's recipe",
    "centred": "`training_batches`, centred floats",
    "keras": "Keras `image_dataset_from_directory`, `RandomCrop`, `RandomFlip`",
    "tfds": "TFDS `as_dataset`, whole images, `tf.image.random_crop`",
    "tfds crop": "TFDS `as_dataset`, `SkipDecoding`, `decode_and_crop_jpeg`",
    "torch pillow": "PyTorch `DataLoader`, torchvision, Pillow",
    "torch decode_image": "PyTorch `DataLoader`, torchvision, `decode_image`",
}


def write_files(examples, folder: pathlib.Path) -> list[bytes]:
    """Writes the training images of prepared examples as files of a folder of classes; returns their bytes."""
    from zfnet.components.data.examples.shard import read_shard

    encoded = []
    for path in examples.shards("train"):
        for example in read_shard(path):
            file = folder / example["class_name"] / f"{len(encoded):06d}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(example["image"])
            encoded.append(example["image"])
    return encoded


def bare_loop(encoded: list[bytes], side: int, size: int):
    """Makes the function that decodes one crop of every image and drops it, in as many threads as there are cores; seconds an image."""
    import numpy as np
    import tensorflow as tf

    @tf.function(autograph=False)
    def decode(images, windows):
        def step(number, total):
            image = tf.io.decode_and_crop_jpeg(images[number], windows[number], channels=3, dct_method="INTEGER_ACCURATE")
            return number + 1, total + tf.cast(image[0, 0, 0], tf.int32)  # TensorFlow leaves out what is not used

        return tf.while_loop(lambda number, _: number < tf.size(images), step, (0, 0), parallel_iterations=1)

    cores, random = os.cpu_count(), np.random.default_rng(0)
    windows = np.concatenate([random.integers(0, side - size + 1, (len(encoded), 2)), np.full((len(encoded), 2), size)], axis=1)
    parts = [(tf.constant(encoded[core::cores]), tf.constant(windows[core::cores], tf.int32)) for core in range(cores)]

    def run() -> None:
        threads = [threading.Thread(target=decode, args=part) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run()
    return lambda: seconds(run) / len(encoded)


def of_data_set(make, batches: int):
    """Makes the function that measures the seconds an image of the data set that `make` makes anew, so that it works in its turn alone."""

    def run() -> float:
        iterator = iter(make())
        for _ in range(WARM_UP):
            next(iterator)
        return seconds(lambda: [next(iterator) for _ in range(batches)]) / (batches * BATCH)

    return run


@contextlib.contextmanager
def torch_ways(folder: pathlib.Path, size: int, batches: int):
    """Starts the process with PyTorch; gives its ways, and its versions. Both are empty if there is no such environment."""
    command = [TORCH_PYTHON, str(TORCH_PEER), str(folder), str(size), str(BATCH), str(os.cpu_count())]
    if not pathlib.Path(TORCH_PYTHON).exists():
        print(f"There is no {TORCH_PYTHON}: PyTorch is left out. `make bench BENCHMARKS={NAME}` installs it.")
        yield {}, {}
        return
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        found = json.loads(process.stdout.readline())

        def run(way: str) -> float:
            print(way, WARM_UP, batches, file=process.stdin, flush=True)
            return float(process.stdout.readline()) / (batches * BATCH)

        yield {f"torch {way}": lambda way=way: run(way) for way in ("pillow", "decode_image")}, found
        process.stdin.close()


def measure(size: int) -> dict:
    """Seconds an image of every way, in turns, from the same images of 8/7 of `size`."""
    import numpy as np
    from peers.input_in_tensorflow import keras_folder, tfds_crop_decoded, tfds_decoded

    from zfnet.components.artifacts import Examples, Statistics
    from zfnet.components.data import training_batches as module

    training_batches = module.training_batches
    module.MOST_HELD = 0  # as for a data set that is too large to be held in memory decoded
    with tempfile.TemporaryDirectory() as name:
        prepare(name, PHOTOGRAPHS, size)
        examples, mean = Examples(f"{name}/examples"), Statistics(f"{name}/statistics").mean_image()
        files = pathlib.Path(name) / "files"
        encoded, side = write_files(examples, files), examples.side
        # An epoch, so that all records are read and shuffled once.
        batches = len(encoded) // BATCH
        options = {"size": size, "batch_size": BATCH, "seed": 0, "first_epoch": 0, "epochs": 10**6, "crops": "ten"}
        makers = {
            "stored": lambda: training_batches(examples, mean, centred=False, **options),
            "centred": lambda: training_batches(examples, mean, **options),
            "keras": lambda: keras_folder(str(files), side, size, BATCH),
            "tfds": lambda: tfds_decoded(str(examples.path), size, BATCH),
            "tfds crop": lambda: tfds_crop_decoded(str(examples.path), side, size, BATCH),
        }
        with torch_ways(files, size, batches) as (others, found):
            ways = {"bare": bare_loop(encoded, side, size)} | {way: of_data_set(make, batches) for way, make in makers.items()} | others
            taken = {way: [] for way in ways}
            for round_ in range(ROUNDS):
                for way, run in ways.items():
                    taken[way].append(run())
                    print(f"{size} px, round {round_}, {way}: {1 / taken[way][-1]:.0f} images a second", file=sys.stderr, flush=True)
        return {
            "side": side,
            "images": len(encoded),
            "qualities": measure_qualities(encoded, side, size) if size == max(SIZES) else {},
            "bytes": float(np.mean([len(image) for image in encoded])),
            "seconds": taken,
            "versions": found,
        }


def measure_qualities(encoded: list[bytes], side: int, size: int) -> dict:
    """How much faster the bare loop is, in turns, and how many bytes are left, if the images are stored at lower JPEG qualities."""
    from PIL import Image

    def stored_again(image: bytes, quality: int) -> bytes:
        written = io.BytesIO()
        Image.open(io.BytesIO(image)).save(written, "JPEG", quality=quality, subsampling=JPEG_SUBSAMPLING)
        return written.getvalue()

    images = {"stored": encoded} | {str(quality): [stored_again(image, quality) for image in encoded] for quality in QUALITIES}
    loops = {name: bare_loop(those, side, size) for name, those in images.items()}
    rounds = [{name: run() for name, run in loops.items()} for _ in range(ROUNDS)]
    return {
        name: {
            "bytes": sum(map(len, images[name])) / sum(map(len, encoded)),
            "faster": statistics.median(one["stored"] / one[name] for one in rounds),
        }
        for name in images
        if name != "stored"
    }


def ratio(taken: dict, own: str, way: str) -> float:
    """How many times as fast as `way` one of our ways, `own`, is: the median over the rounds."""
    return statistics.median(other / one for other, one in zip(taken[way], taken[own], strict=True))


def core_rate(result: dict, size: int) -> float:
    """Images a second and core that a training by the paper's recipe reads, the median over the rounds."""
    return 1 / statistics.median(result["sizes"][str(size)]["seconds"]["stored"]) / result["machine"]["cores"]


def table(result: dict) -> str:
    """Images a second and core, and ratios, as Markdown."""
    sizes, cores = result["sizes"], result["machine"]["cores"]
    head = ["input"]
    for size in sizes:
        head += [f"{size} px, images a second and core", "uint8 is faster by", "floats are faster by"]
    rows = []
    for way in sizes[max(sizes, key=int)]["seconds"]:
        row = [NAMES[way]]
        for one in sizes.values():
            taken = one["seconds"]
            row.append(f"{1 / statistics.median(taken[way]) / cores:,.0f}")
            row += ["" if own == way else f"{ratio(taken, own, way):.2f}" for own in ("stored", "centred")]
        rows.append(row)
    described = " and ".join(f"{one['images']:,} of {one['side']} px ({one['bytes'] / 1000:.0f} kB)" for one in sizes.values())
    return markdown(head, rows) + f"\nImages: {described}; batches of {BATCH}.\n" + conditions(result)


def gpu_table(result: dict) -> str:
    """How many cores feed the GPUs of `training_cost`, as Markdown."""
    multiplications, rate = result["operations"], core_rate(result, 224)
    rows = []
    for name, (images, alexnet, _) in PUBLISHED.items():
        own = images * alexnet / multiplications
        rows.append([name, f"{images:,.0f}", f"{images / rate:,.0f}", f"{own:,.0f}", f"{own / rate:,.0f}"])
    lower = [
        f"at quality {quality} they have {one['bytes']:.2f} of the bytes and are decoded {one['faster']:.1f} times as fast"
        for quality, one in result["sizes"]["224"]["qualities"].items()
    ]
    words = (
        f"\nOne core of the test machine prepares {rate:,.0f} images of 224 pixels a second. The images are stored at JPEG quality "
        f"{JPEG_QUALITY}; {'; '.join(lower)}.\n"
    )
    head = ["hardware", "AlexNet, images a second", "cores that feed it", "ZFNet, images a second", "cores that feed it"]
    return markdown(head, rows) + words + conditions(result)


def main() -> None:
    """Measures, and writes the result and the tables."""
    sizes = {str(size): measure(size) for size in SIZES}
    others = next(iter(sizes.values()))["versions"]
    result = {
        "command": f"python benchmarks/{NAME}.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions("tensorflow-datasets") | others,
        "operations": operations("zfnet"),
        "sizes": {size: {key: value for key, value in one.items() if key != "versions"} for size, one in sizes.items()},
    }
    write(NAME, result, table(result), DOCUMENT)
    GPU_DOCUMENT.write_text(with_table(GPU_DOCUMENT.read_text(), NAME, gpu_table(result)))
    print(table(result), gpu_table(result), sep="\n")


if __name__ == "__main__":
    main()
