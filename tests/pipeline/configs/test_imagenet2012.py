import tensorflow_datasets as tfds

from zfnet.pipeline.run_config import load_config

CLASSES = 10


def test_one_file_of_the_real_layout(run_local, photograph, packed, tmp_path):
    # TFDS lists the classes of the validation photographs in the order of their names.
    listed = tfds.core.tfds_path("datasets/imagenet2012/validation_labels.txt").read_text().split()[:CLASSES]
    manual = tmp_path / "tfds" / "downloads" / "manual"
    manual.mkdir(parents=True)
    archives = [
        (f"{synset}.tar", packed([(f"{synset}_{number}.JPEG", photograph(label, number)) for number in range(8)]))
        for label, synset in enumerate(listed)
    ]
    (manual / "ILSVRC2012_img_train.tar").write_bytes(packed(archives))
    files = [(f"ILSVRC2012_val_{label + 1:08d}.JPEG", photograph(label, 9)) for label in range(CLASSES)]
    (manual / "ILSVRC2012_img_val.tar").write_bytes(packed(files))
    summary, trained = run_local("imagenet2012")
    assert summary["examples"] == {"train": 80, "validation": 10, "rejected": 0}
    assert len(trained.examples.labels) == 1000
    assert all(error is not None for error in summary["metrics"].values())  # of ten crops too


def test_the_whole_is_the_papers_recipe():
    whole, local = load_config("imagenet2012"), load_config("imagenet2012", local=True)
    assert local.data.split("@")[0] == whole.data == "imagenet2012"
    assert (whole.recipe.architecture, whole.input_size, whole.recipe.epochs) == ("zfnet", 224, 70)
    assert (whole.recipe.batch_size, whole.recipe.learning_rate, whole.recipe.crops, whole.ten_crop) == (128, 0.01, "ten", True)
