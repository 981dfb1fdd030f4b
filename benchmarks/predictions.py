"""Measures `zfnet predict` on prepared examples against the bare forward pass over images in memory, in turns.

Command: make bench BENCHMARKS=predictions, or .venv/bin/python benchmarks/predictions.py
Writes benchmarks/predictions.json, and from it a table in docs/speed.md. Takes about seven minutes on two cores.
"""

import os
import pathlib
import statistics
import tempfile

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, seconds, versions, write

NAME = "predictions"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
NETS = {"zfnet": (224, 7), "zfnet-small": (96, 25)}  # Side of the images, in pixels, and number of turns.


def measure(name: str, work: pathlib.Path) -> dict:
    """Seconds of the predictions of 750 stored images, and of the forward pass alone, in batches of the same size."""
    import keras
    import numpy as np
    import tensorflow as tf

    from zfnet.components.artifacts import Examples
    from zfnet.components.data.batches import central_crops
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples
    from zfnet.components.prediction.images import open_images
    from zfnet.components.prediction.predict import BATCH, predict_images
    from zfnet.components.prediction.predictor import Predictor
    from zfnet.model import build

    side, turns = NETS[name]
    examples = Examples(work / name)
    source = open_source("photo_patches", work)
    generate_examples(examples, source=source, image_size=side, num_shards=None, max_rejected=0, runner="FnApiRunner", beam_options=())
    keras.utils.set_random_seed(0)
    net = build(name, (side, side, 3), len(examples.labels), mean_image=np.full((side, side, 3), 120, np.float32))
    forward = tf.function(lambda images: net(images, training=False))
    batches = [images for images, _, _ in central_crops(examples, "validation", size=side, batch_size=BATCH)]
    predictor, images = Predictor.of_model(net, examples.labels, 5), open_images(str(examples.path), "validation", {}, work)

    def run_forward():
        for batch in batches:
            forward(batch).numpy()

    def run_predictions():
        for _ in predict_images(predictor, images):
            pass

    run_forward(), run_predictions()
    taken = [(seconds(run_forward), seconds(run_predictions)) for _ in range(turns)]
    return {
        "side": side,
        "images": examples.count("validation"),
        "forward_seconds": statistics.median(one for one, _ in taken),
        "predict_seconds": statistics.median(other for _, other in taken),
        "rate": statistics.median(one / other for one, other in taken),
    }


def table(result: dict) -> str:
    """The result as Markdown."""
    rows = [
        [
            f"{name}, {row['side']} px",
            f"{row['images'] / row['forward_seconds']:,.0f}",
            f"{row['images'] / row['predict_seconds']:,.0f}",
            f"{row['rate']:.2f}",
        ]
        for name, row in result["nets"].items()
    ]
    heading = ["net", "images a second, forward pass alone", "images a second, predictions", "predictions over forward pass"]
    return markdown(heading, rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    with tempfile.TemporaryDirectory() as work:
        nets = {name: measure(name, pathlib.Path(work)) for name in NETS}
    result = {"command": "python benchmarks/predictions.py", "commit": commit(), "machine": machine(), "versions": versions()}
    result |= {"nets": nets}
    write(NAME, result, table(result), DOCUMENT)


if __name__ == "__main__":
    main()
