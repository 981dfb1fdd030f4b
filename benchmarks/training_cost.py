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
# Images a second of training AlexNet at batches of 128, and where they were published; Zeiler & Fergus' own is of ZFNet itself.
PUBLISHED = {
    "Tesla K40c": (128 / 0.480, "AlexNet, TensorFlow's alexnet_benchmark.py (2015)"),
    "Tesla M40": (128 / 0.2181, "AlexNet, Caffe2's convnet_benchmarks.py (2017)"),
    "Titan X (Maxwell)": (128 / 0.0901, "AlexNet, Caffe2's convnet_benchmarks.py (2017)"),
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
    words = f"\nOf the time of {EPOCHS} epochs on ImageNet at this rate, callbacks take {sum(shares.values()):.1%}: {text}.\n"
    return markdown(["ZFNet", "images a second", "of the reference"], rows) + words + conditions(result)


def cost_table(result: dict) -> str:
    """What 70 epochs on ImageNet take, as Markdown."""
    share = result["operations"]["zfnet"] / result["operations"]["alexnet"]
    cores = result["machine"]["cores"]
    paper = EPOCHS * IMAGENET / (PAPER_DAYS * 86_400)
    rates = {
        f"{cores} cores of the test machine": (result["rates"]["batches of 128"], "measured"),
        "GTX 580": (paper, f"Zeiler & Fergus 2013: {PAPER_DAYS} days"),
        **{name: (rate / share, source) for name, (rate, source) in PUBLISHED.items()},
    }
    rates["8 of the last, if they add up"] = (8 * list(rates.values())[-1][0], "not measured, not published")
    rows = [
        [name, f"{rate:,.0f}", f"{EPOCHS * (IMAGENET + VALIDATION / 3) / rate / 86_400:,.1f} days", source]
        for name, (rate, source) in rates.items()
    ]
    words = (
        f"\nTime = {EPOCHS} epochs x ({IMAGENET:,} + {VALIDATION:,} / 3 images) / rate, since a forward pass is about a third of a step. "
        f"AlexNet's published rates are divided by {share:.2f}, the operations of ZFNet ({result['operations']['zfnet'] / 1e9:.2f} x 10⁹ "
        f"multiplications an image) over those of AlexNet here ({result['operations']['alexnet'] / 1e9:.2f} x 10⁹). To feed 8 GPUs, "
        "reading and decoding have to keep up as well.\n"
    )
    return markdown(["hardware", "images a second", f"{EPOCHS} epochs", "from"], rows) + words + conditions(result)


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
