import io
import zipfile

import tensorflow_datasets as tfds

from zfnet.pipeline.run_config import load_config

URL = "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip?download=1"


def test_a_part_of_the_real_layout(train_local, downloaded, photograph, packed):
    labels = tfds.builder_cls("caltech101")().info.features["label"].names
    # The builder takes 30 of each class for training, and all others for the test split.
    files = [
        (f"101_ObjectCategories/{name}/image_{number:04d}.jpg", photograph(label, number))
        for label, name in enumerate(labels[:10])
        for number in range(60)
    ]
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("caltech-101/101_ObjectCategories.tar.gz", packed(files, "w:gz"))
    downloaded("caltech101", URL, stored.getvalue())
    trained = train_local("caltech101")
    assert [trained.examples.count(split) for split in ("train", "validation")] == [60, 15]
    assert trained.examples.read_json("manifest.json")["rejected"] == 0
    assert trained.examples.labels == labels
    assert len(labels) == 102


def test_the_whole_is_the_same_data():
    whole, local = load_config("caltech101"), load_config("caltech101", local=True)
    assert local.data.split("@")[0] == whole.data == "caltech101"
