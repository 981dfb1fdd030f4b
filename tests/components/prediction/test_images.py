"""Folders and tables as people have them."""

import io
import pickle

import numpy as np
import pytest
import tensorflow_datasets as tfds
from etils import epath
from PIL import Image

from zfnet.components.prediction import images as module
from zfnet.components.prediction.images import count_images, open_images


@pytest.fixture
def folder(tmp_path):
    """Photographs at several depths, clutter, and a link to the folder itself."""
    for name in ("b.png", "cat/2.png", "cat/1.png", "2024/dog/deep/3.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9)).save(tmp_path / "images" / name)
    (tmp_path / "images/.DS_Store").touch()
    (tmp_path / "images/cat/again").symlink_to(tmp_path / "images")
    return tmp_path / "images"


def listed(images):
    return [(image.path, image.truth) for chunk in images.chunks() for image in images.read(chunk)]


def test_images_of_a_folder_come_in_the_order_of_their_paths_with_the_class_of_the_deepest_folder(folder, tmp_path, monkeypatch):
    images = open_images(str(folder), None, {"cat": "cat", "dog": "hound"}, tmp_path)
    expected = [("2024/dog/deep/3.png", "dog"), ("b.png", ""), ("cat/1.png", "cat"), ("cat/2.png", "cat")]
    assert listed(images) == expected
    assert count_images(images) == 4
    monkeypatch.setattr(module, "CHUNK", 3)
    assert [len(chunk) for chunk in images.chunks()] == [3, 1]
    assert listed(images) == expected


def test_rows_of_a_table_with_a_split(folder, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("path,label,split\nimages/b.png,cat,train\nimages/cat/1.png,cat,test\nimages/cat/2.png,,test\n")
    assert listed(open_images(str(table), "test", {}, tmp_path)) == [("images/cat/1.png", "cat"), ("images/cat/2.png", "")]
    assert count_images(open_images(str(table), None, {}, tmp_path)) == 3
    with pytest.raises(ValueError, match="--split tset: expected train, validation or test"):
        open_images(str(table), "tset", {}, tmp_path)


@pytest.mark.parametrize(("row", "remote"), [("gs://bucket/b.png", True), ("images/b.png", False)])
def test_remote_photographs_in_a_local_table(folder, tmp_path, row, remote):
    table = tmp_path / "table.csv"
    table.write_text(f"images/cat/1.png\n{row}\n")
    assert open_images(str(table), None, {}, tmp_path).remote is remote


def test_built_in_patches_have_the_classes_of_the_source(tmp_path):
    images = open_images("photo_patches", None, {}, tmp_path)
    assert count_images(images) == 750
    first = next(iter(images.chunks()))[:2] if images._files else next(iter(images.chunks()))
    image = next(images.read(first))
    assert image.truth in images.labels
    assert image.read()


class ManyShades(tfds.core.GeneratorBasedBuilder):
    """Pictures of one shade, whose class is their number modulo 2; made for these tests."""

    VERSION = tfds.core.Version("1.0.0")
    code_path = epath.Path(__file__)

    def _info(self):
        features = {"image": tfds.features.Image(encoding_format="png"), "label": tfds.features.ClassLabel(names=["even", "odd"])}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label"))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(number) for split, number in (("train", 30), ("test", 10))}

    def _generate_examples(self, number):
        for i in range(number):
            yield i, {"image": np.full((9, 9, 3), i, np.uint8), "label": i % 2}


def test_examples_of_tfds_have_the_classes_of_the_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 4)
    for split, parts in ((None, [4, 4, 2]), ("train", [4] * 7 + [2])):
        images = open_images("many_shades", split, {}, tmp_path)
        # As workers get them.
        images, chunks = pickle.loads(pickle.dumps(images)), list(images.chunks())
        assert [images.size(chunk) for chunk in chunks] == parts
        assert count_images(images) == sum(parts)
        found = [image for chunk in chunks for image in images.read(pickle.loads(pickle.dumps(chunk)))]
        shades = [int(np.asarray(Image.open(io.BytesIO(image.read())))[0, 0, 0]) for image in found]
        assert sorted(shades) == list(range(sum(parts)))
        assert [image.truth for image in found] == [["even", "odd"][shade % 2] for shade in shades]
        assert len({image.path for image in found}) == sum(parts)


def test_no_images(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"There are no images in .*empty"):
        count_images(open_images(str(tmp_path / "empty"), None, {}, tmp_path))
    with pytest.raises(ValueError, match="--split is for prepared examples"):
        open_images(str(tmp_path / "empty"), "train", {}, tmp_path)
