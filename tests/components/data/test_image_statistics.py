import io

import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.examples.shard import write_shard
from zfnet.components.data.image_statistics import ImageStatistics
from zfnet.components.inputs.photograph import prepare_photograph


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


def photograph(pixels, label, box, whole=True) -> dict:
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, "JPEG", quality=100)
    return {"image": stored.getvalue(), "label": label, "class_name": "", "id": "a", "photograph": "a" if whole else "b", "box": box}


def test_sizes_are_those_of_the_photographs(tmp_path):
    grey = np.full((6, 6, 3), 90, np.uint8)
    squares = [prepare_photograph(encoded(width, height), 6)[1] for width, height in ((8, 4), (9, 4), (5, 21), (7, 7))]
    write_shard(tmp_path / "train", [photograph(grey, 0, box) for box in squares])
    write_shard(tmp_path / "validation", [photograph(grey, 0, [3, 5, 53, 55], whole=False)])
    combine = ImageStatistics(6, 1)
    parts = [combine.add_input(combine.create_accumulator(), (split, str(tmp_path / split))) for split in ("train", "validation")]
    found = combine.extract_output(combine.merge_accumulators(parts))["sizes"]
    aspect = {"min": 0.24, "median": 1.0, "max": 2.0}  # 9 x 4 is measured as 8 x 4
    assert found["train"] == {"shorter_side": {"min": 4, "median": 4, "max": 7}, "enlarged": 0.75, "aspect": aspect}
    assert found["validation"] == {"shorter_side": {"min": 50, "median": 50, "max": 50}, "enlarged": 0.0, "aspect": None}


def encoded(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_brightness_of_each_class_is_that_of_numpy(tmp_path):
    random = np.random.default_rng(3)
    dark, bright = (random.integers(0, high, (20, 6, 6, 3), np.uint8) for high in (60, 250))
    examples = [photograph(pixels, label, [0, 0, 6, 6]) for label, images in ((0, dark), (2, bright)) for pixels in images]
    write_shard(tmp_path / "train", examples)
    combine = ImageStatistics(6, 3)
    found = combine.extract_output(combine.add_input(combine.create_accumulator(), ("train", str(tmp_path / "train"))))["brightness"]
    assert found[1] is None
    for label in (0, 2):
        stored = [Image.open(io.BytesIO(example["image"])) for example in examples if example["label"] == label]
        levels = np.concatenate([np.asarray(image.convert("L")).ravel() for image in stored])
        assert found[label]["mean"] == pytest.approx(levels.mean())
        assert found[label]["brightest"] == np.quantile(levels, 0.999, method="inverted_cdf")
