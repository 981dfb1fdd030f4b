import tensorflow_datasets as tfds

from zfnet.pipeline.run_config import load_config

URL = "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz"


def test_a_tenth_of_the_real_layout(train_local, downloaded, photograph, packed):
    labels = tfds.builder_cls("imagenette")(config="320px-v2").info.features["label"].names
    files = [
        (f"imagenette2-320/{split}/{synset}/{synset}_{split}_{number}.JPEG", photograph(label, number + first))
        for split, first, count in (("train", 0, 40), ("val", 40, 20))
        for label, synset in enumerate(labels)
        for number in range(count)
    ]
    downloaded("imagenette", URL, packed(files, "w:gz"))
    trained = train_local("imagenette")
    assert [trained.examples.count(split) for split in ("train", "validation")] == [40, 20]
    assert trained.examples.read_json("manifest.json")["rejected"] == 0
    assert trained.examples.labels == labels
    assert len(labels) == 10


def test_the_whole_is_the_same_data(tmp_path):
    whole, local = load_config("imagenette"), load_config("imagenette", local=True)
    assert local.data.split("@")[0] == whole.data == "imagenette/320px-v2"
    assert (whole.recipe.architecture, whole.input_size) == ("zfnet-small", 96)
