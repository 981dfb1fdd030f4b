import io

import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.examples.shard import write_shard
from zfnet.components.data.image_statistics import ImageStatistics


@pytest.fixture
def shards(tmp_path):
    """Two shards for training, one for validation, of 6 x 6 pixels; what training images hold, (5, 6, 6, 3)."""
    random = np.random.default_rng(0)

    def example(label):
        stored = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8)).save(stored, "JPEG", quality=95)
        return {"image": stored.getvalue(), "label": label, "class_name": "", "id": "", "photograph": "", "box": [0, 0, 6, 6]}

    contents = {
        "train-0": [example(0), example(2), example(2)],
        "train-1": [example(0), example(9)],
        "validation-0": [example(1), example(-1)],
    }
    for name, examples in contents.items():
        write_shard(tmp_path / name, examples)
    images = [example["image"] for name in ("train-0", "train-1") for example in contents[name]]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(image))) for image in images])
    return [(name.split("-")[0], str(tmp_path / name)) for name in contents], pixels


def test_the_statistics_are_those_of_numpy(shards):
    listed, pixels = shards
    combine = ImageStatistics(6, 3)
    parts = [combine.add_input(combine.create_accumulator(), shard) for shard in listed]
    found = combine.extract_output(combine.merge_accumulators(parts))
    assert found["mean_image"].dtype == np.float32
    np.testing.assert_allclose(found["mean_image"], pixels.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["channels"]["mean"], pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found["channels"]["std"], pixels.std(axis=(0, 1, 2)), rtol=1e-9)
    assert found["classes"] == {"train": [2, 0, 2], "validation": [0, 1, 0]}  # labels 9 and -1 name no class


def test_the_order_of_adding_does_not_matter(shards):
    listed, _ = shards
    combine = ImageStatistics(6, 3)
    one = combine.create_accumulator()
    for shard in listed:
        one = combine.add_input(one, shard)
    parts = [combine.add_input(combine.create_accumulator(), shard) for shard in reversed(listed)]
    parts.append(combine.create_accumulator())
    found, again = combine.extract_output(one), combine.extract_output(combine.merge_accumulators(parts))
    assert found.pop("mean_image").tobytes() == again.pop("mean_image").tobytes()
    assert found == again


def test_pictures_of_one_colour_deviate_by_nothing(tmp_path):
    stored = io.BytesIO()
    Image.new("RGB", (6, 6), (77, 77, 77)).save(stored, "JPEG", quality=95)
    example = {"image": stored.getvalue(), "label": 0, "class_name": "", "id": "", "photograph": "", "box": [0, 0, 6, 6]}
    write_shard(tmp_path / "shard", [example] * 7)
    combine = ImageStatistics(6, 1)
    found = combine.extract_output(combine.add_input(combine.create_accumulator(), ("train", str(tmp_path / "shard"))))
    assert found["channels"] == {"mean": [77.0] * 3, "std": [0.0] * 3}
