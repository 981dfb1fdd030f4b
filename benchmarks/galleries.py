"""Measures galleries of nets of Keras at 224: nine projections of 64 maps of five layers each, over 500 images, and the arithmetic limit.

Command: make bench, or .venv/bin/python benchmarks/galleries.py
Writes benchmarks/galleries.json, and from it a table in docs/speed.md. Takes about seven minutes on two cores.
"""

from branches import net
from report import commit, conditions, machine, markdown, photographs, versions, write
from whole_gallery import DOCUMENT, gallery

NAME = "galleries"
LAYERS = {
    "VGG16": ["block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"],
    "ResNet50": ["conv1_relu", "conv2_block3_out", "conv3_block1_out", "conv3_block4_out", "conv4_block1_out"],
    "MobileNetV2": ["Conv1_relu", "block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_10_expand_relu"],
}
IMAGES, UNITS = 500, 64
PARTS = {"search": "search", "switches": "forward again, switches", "projections": "projections"}


def measure() -> dict:
    """Measures net by net."""
    return {
        "command": "python benchmarks/galleries.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "nets": {name: gallery(net(name), photographs(IMAGES, 224) / 128, layers, UNITS) for name, layers in LAYERS.items()},
    }


def table(result: dict) -> str:
    """The result as Markdown."""
    rows = []
    for name, each in result["nets"].items():
        for part, what in PARTS.items():
            rows.append([name, what, *_cells(each["seconds"][part], each["limit_seconds"][part])])
        rows.append([name, "all", *_cells(sum(each["seconds"].values()), sum(each["limit_seconds"].values()))])
    counts = {sum(each["projections"].values()) for each in result["nets"].values()}
    images = max(each["images"] for each in result["nets"].values())
    text = markdown(["net", "part", "takes", "limit", "of the limit"], rows)
    return text + f"\n{max(counts):,} projections of each net over {images} images.\n" + conditions(result)


def _cells(taken: float, limit: float) -> list[str]:
    return [f"{taken:.1f} s", f"{limit:.1f} s", f"{limit / taken:.0%}"]


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
