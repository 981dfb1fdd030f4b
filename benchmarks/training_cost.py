"""Measures how the cost of training grows, what callbacks take of it, and reckons ImageNet from rates that are measured and published.

Command: make bench BENCHMARKS=training_cost, or .venv/bin/python benchmarks/training_cost.py
Writes benchmarks/training_cost.json, and from it tables in docs/speed.md and docs/imagenet.md. Takes about fifteen minutes on two cores.
"""

import os
import pathlib
import statistics
import tempfile

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, seconds, versions, with_table, write
from steps import CLASSES, prepare, training_step

NAME = "training_cost"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
COST_DOCUMENT = DOCUMENT.with_name("imagenet.md")
SIZE, BATCH = 224, 64
ROUNDS = 3
IMAGENET, VALIDATION, EPOCHS = 1_281_167, 50_000, 70
CHECKPOINT_EVERY = 600.0


def alexnet_operations(fourth: int) -> int:
    """Multiplications for one image of AlexNet in one column (Krizhevsky 2014), as others measure it, with `fourth` maps in conv4."""
    convolutions = 55**2 * 11**2 * 3 * 64 + 27**2 * 5**2 * 64 * 192 + 13**2 * 3**2 * (192 * 384 + 384 * fourth + fourth * 256)
    return convolutions + 6 * 6 * 256 * 4096 + 4096 * 4096 + 4096 * CLASSES


# Images a second of training AlexNet, its multiplications an image, and where they were published. Lambda:
# https://github.com/LambdaColdStorage/lambda-tensorflow-benchmark at 080a6b7, tf-train-throughput-fp32.csv and -fp16.csv.
PUBLISHED = {
    "Titan X (Maxwell)": (128 / 0.0901, alexnet_operations(256), "Caffe2's convnet_benchmarks.py (2017)"),
    "GTX 1080 Ti": (2636, alexnet_operations(384), "Lambda, float32"),
    "RTX 3090": (6695, alexnet_operations(384), "Lambda, float32"),
    "V100, real photographs": (3861, alexnet_operations(384), "tensorflow/benchmarks#359 (2019)"),
    "V100": (5132, alexnet_operations(384), "Lambda, float32"),
    "V100, float16": (9319, alexnet_operations(384), "Lambda, float16"),
    "8 V100": (35_882, alexnet_operations(384), "Lambda, float32"),
    "A100": (10_187, alexnet_operations(384), "Lambda, float32"),
    "A100, float16": (16_487, alexnet_operations(384), "Lambda, float16"),
    "8 A100": (75_860, alexnet_operations(384), "Lambda, float32"),
    # No rate of an H100 was found. By NVIDIA's data sheets its matrix units reach, without sparsity, 494.7 TFLOPS in TF32 and 989.4 in
    # float16, those of an A100 156 and 312.
    "H100": (10_187 * 494.7 / 156, alexnet_operations(384), "computed: at most 3.17 x A100"),
    "H100, float16": (16_487 * 989.4 / 312, alexnet_operations(384), "computed: at most 3.17 x A100"),
}
PAPER_DAYS = 12


def variants() -> dict:
    """What is measured: by name, architecture, image size and batch."""
    from zfnet.model.net.architecture import ZFNET

    def scaled(factor: float):
        widths = {row.name: round(row.filters * factor) for row in ZFNET.convolutions}
        return ZFNET.with_filters(**widths).with_units(round(4096 * factor))

    found = {f"{size} pixels": (ZFNET, size, BATCH) for size in (96, 128, 160, 192)}
    found["224 pixels, width 1, batches of 64"] = (ZFNET, SIZE, BATCH)
    found |= {f"width {factor:g}": (scaled(factor), SIZE, BATCH) for factor in (0.25, 0.5, 2)}
    return found | {f"batches of {batch}": (ZFNET, SIZE, batch) for batch in (8, 16, 32, 128)}


def measure_growth() -> dict:
    """Images a second of training each variant, the median of some steps."""
    rates = {}
    for name, (architecture, size, batch) in variants().items():
        step = training_step(architecture, size, batch)
        step()
        rates[name] = statistics.median(batch / seconds(step) for _ in range(ROUNDS))
        print(f"{name}: {rates[name]:.1f}", flush=True)
    return rates


def operations(architecture) -> int:
    """Multiplications of a net for one image, forward: of convolutions and dense layers."""
    from zfnet.model.net.build import build

    net, total = build(architecture, (SIZE, SIZE, 3), CLASSES), 0
    for layer in net.layers:
        if hasattr(layer, "kernel"):
            positions = layer.output.shape[1:-1]
            total += int(layer.kernel.shape.num_elements()) * (positions[0] * positions[1] if positions else 1)
    return total


def measure_callbacks() -> dict:
    """Seconds of each callback after an epoch, with evolution's two passes apart, of ZFNet at 224."""
    import keras
    import tensorflow as tf

    from zfnet.components.artifacts import Examples
    from zfnet.components.training.callbacks.convergence import LayerConvergence
    from zfnet.components.training.callbacks.evolution import MAPS, FeatureEvolution
    from zfnet.components.training.callbacks.first_layer import FirstLayer
    from zfnet.components.training.callbacks.summaries import EpochSummaries
    from zfnet.components.training.callbacks.watched_images import CentredExamples
    from zfnet.components.training.checkpoints import Checkpoints, TrainingState
    from zfnet.model.deconvnet.deconvnet import Deconvnet
    from zfnet.model.net.build import build

    net = build("zfnet", (SIZE, SIZE, 3), CLASSES)
    net.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    net.optimizer.build(net.trainable_variables)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prepare(name, 400, SIZE)
        examples = Examples(f"{name}/examples")
        writers = [tf.summary.create_file_writer(f"{name}/{split}") for split in ("train", "validation")]
        deconvnet, images = Deconvnet(net), CentredExamples(examples, 128 * tf.ones((SIZE, SIZE, 3)).numpy())
        layers = [layer.name for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
        evolution = FeatureEvolution(deconvnet, layers, images, MAPS, 0, folder / "evolution", writers[0])
        convergence = LayerConvergence(deconvnet.graph, folder / "convergence", folder / "evolution", writers[0])
        summaries, first, checkpoints = EpochSummaries(*writers), FirstLayer.of(deconvnet), Checkpoints(folder / "checkpoints")
        logs = {"loss": 1.0, "val_loss": 1.0}
        works = {
            "evolution": lambda epoch: evolution.project(epoch + 1, evolution.search(images.count), shown=True),
            "convergence": lambda epoch: (convergence.begin(epoch), convergence.end(epoch + 1)),
            "summaries": lambda epoch: (summaries.on_epoch_end(epoch, logs), first.write(writers[0], epoch + 1, {})),
            "checkpoint": lambda epoch: checkpoints.keep(net, TrainingState(epoch + 1)),
        }
        for work in works.values():
            work(0)
        taken = {kind: statistics.median(seconds(work, epoch) for epoch in (1, 2)) for kind, work in works.items()}
    return {"seconds": taken, "evolution_examples": images.count}


def callback_share(result: dict) -> dict:
    """What callbacks take of ImageNet's 70 epochs at the rate of this machine, each as a share of the whole."""
    from zfnet.components.figures.evolution.column import searched, watched_epochs

    taken, examples = result["callbacks"]["seconds"], result["callbacks"]["evolution_examples"]
    epoch = IMAGENET / result["rates"]["batches of 128"]
    looks = len(watched_epochs(EPOCHS))
    total = {
        "evolution": looks * taken["evolution"] * searched(IMAGENET) / searched(examples),
        "convergence": EPOCHS * taken["convergence"],
        "summaries": EPOCHS * taken["summaries"],
        "checkpoint": EPOCHS * (1 + epoch / CHECKPOINT_EVERY) * taken["checkpoint"],
    }
    return {kind: one / (EPOCHS * epoch) for kind, one in total.items()}


def table(result: dict) -> str:
    """How the rate changes, as Markdown."""
    rates, shares = result["rates"], result["callback_shares"]
    reference = rates["224 pixels, width 1, batches of 64"]
    rows = [[name, f"{rate:.1f}", f"{rate / reference:.2f}"] for name, rate in rates.items()]
    text = ", ".join(f"{kind} {share:.2%}" for kind, share in shares.items())
    words = f"\nCallbacks take {sum(shares.values()):.1%} of the time of {EPOCHS} epochs on ImageNet at this rate: {text}.\n"
    return markdown(["ZFNet", "images a second", "of the reference"], rows) + words + conditions(result)


def cost_table(result: dict) -> str:
    """What 70 epochs on ImageNet take, as Markdown."""
    cores, multiplications = result["machine"]["cores"], result["operations"]["zfnet"]
    paper = EPOCHS * IMAGENET / (PAPER_DAYS * 86_400)
    rates = {
        f"{cores} cores of the test machine": (result["rates"]["batches of 128"], "measured"),
        "GTX 580": (paper, f"Zeiler & Fergus 2013: {PAPER_DAYS} days"),
        **{name: (rate * alexnet / multiplications, f"AlexNet, {source}") for name, (rate, alexnet, source) in PUBLISHED.items()},
    }
    rows = [
        [name, f"{rate:,.0f}", _duration(EPOCHS * (IMAGENET + VALIDATION / 3) / rate), source] for name, (rate, source) in rates.items()
    ]
    words = (
        f"\nTime = {EPOCHS} epochs x ({IMAGENET:,} + {VALIDATION:,} / 3 images) / rate, since a forward pass is about a third of a step. "
        "AlexNet's published rates are multiplied by its operations over those of ZFNet "
        f"({multiplications / 1e9:.2f} x 10⁹ multiplications an image): all measured AlexNet in one column, with "
        f"{alexnet_operations(384) / 1e9:.2f} x 10⁹, Caffe2 with {alexnet_operations(256) / 1e9:.2f} x 10⁹. *Lambda* is "
        "[LambdaColdStorage/lambda-tensorflow-benchmark](https://github.com/LambdaColdStorage/lambda-tensorflow-benchmark), which runs "
        "TensorFlow's own benchmark; float16 is nearest to `--mixed-precision`. The input has to keep up, see below.\n"
    )
    return markdown(["hardware", "images a second", f"{EPOCHS} epochs", "from"], rows) + words + conditions(result)


def _duration(seconds_taken: float) -> str:
    hours = seconds_taken / 3600
    return f"{hours / 24:,.1f} days" if hours >= 24 else f"{hours:,.1f} hours"


def main() -> None:
    """Measures, and writes the result and the tables."""
    result = {
        "command": f"python benchmarks/{NAME}.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "rates": measure_growth(),
        "operations": {name: operations(name) for name in ("zfnet", "alexnet")},
        "callbacks": measure_callbacks(),
    }
    result["callback_shares"] = callback_share(result)
    write(NAME, result, table(result), DOCUMENT)
    COST_DOCUMENT.write_text(with_table(COST_DOCUMENT.read_text(), NAME, cost_table(result)))
    print(table(result), cost_table(result), sep="\n")


if __name__ == "__main__":
    main()
