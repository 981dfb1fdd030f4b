import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.components.artifacts import Examples, Statistics
from zfnet.components.data.batches import central_crops
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.evaluation import measures
from zfnet.components.example_gen import generate_examples
from zfnet.components.statistics_gen import generate_statistics
from zfnet.model import MeanImage, ten_crop
from zfnet.pipeline.commands.evaluate import command, error_table

CLASSES = ["bird", "cat", "dog"]


def net_of(size, seed, classes=3, first=()):
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense(classes, "softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))
    return keras.Sequential([keras.Input((size, size, 3)), *first, keras.layers.AveragePooling2D(7), keras.layers.Flatten(), dense])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """`photographs/`; `root/` as a run leaves it; and files: another size, another order of classes, no labels, other classes."""
    home = tmp_path_factory.mktemp("evaluate_command")
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (home / "photographs" / name).mkdir(parents=True)
        for number in range(25):
            # Bright on the right, so that it matters where the mean image is subtracted.
            pixels = (rng.integers(0, 90, (60, 50 + number, 3)) + np.linspace(0, 160, 50 + number)[:, None]).astype(np.uint8)
            Image.fromarray(pixels).save(home / "photographs" / name / f"{number}.png")
    (home / "photographs" / "cat" / "broken.jpg").write_bytes(b"no picture")
    model, examples, statistics = home / "root/trainer/2/model", Examples(home / "root/examples"), Statistics(home / "root/statistics")
    source = open_source(str(home / "photographs"), home)
    generate_examples(examples, source=source, image_size=28, num_shards=1, max_rejected=1, runner="FnApiRunner", beam_options=())
    generate_statistics(examples, statistics, runner="FnApiRunner", beam_options=())
    mean = MeanImage()
    net = net_of(28, 0, first=[mean])
    mean.set_weights([statistics.mean_image()[2:30, 2:30]])
    for directory, saved, labels in (
        (model, net, CLASSES),
        (home / "smaller", net_of(14, 1), ["dog", "bird", "cat"]),
        (home / "nameless", net_of(28, 2), None),
        (home / "other_order", net_of(28, 4), ["dog", "bird", "cat"]),
        (home / "other", net_of(28, 3, 2), ["bird", "cat"]),
        (home / "wrong", net_of(28, 3), ["bird", "cat"]),
    ):
        directory.mkdir(parents=True)
        saved.save(directory / "model.keras")
        if labels:
            (directory / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    artifacts = {"model": "trainer/2/model/model.keras", "examples": "examples", "statistics": "statistics"}
    (home / "root/run.json").write_text(json.dumps({"artifacts": artifacts}))
    return home


@pytest.fixture
def evaluate(home, monkeypatch):
    monkeypatch.chdir(home)
    return lambda *arguments: CliRunner().invoke(command, [*arguments, "--verbose"])


def seen(home, size, side):
    """Validation images as stored for `size`, and labels."""
    made = Examples(home / f"by-hand-{size}")
    if not made.path.exists():
        source = open_source(str(home / "photographs"), home)
        generate_examples(made, source=source, image_size=size, num_shards=1, max_rejected=1, runner="FnApiRunner", beam_options=())
    images, labels, _ = next(iter(central_crops(made, "validation", size=side, batch_size=1000)))
    return images, labels.numpy()


def test_ensemble_of_models_of_different_sizes_and_orders(evaluate, home):
    """Also what one model's probabilities must be permuted by, and ten crops of one that centres them by its mean image."""
    done = evaluate("root", "smaller/model.keras", "--data", "photographs", "--ten-crop", "--json")
    assert done.exit_code == 0, done.stderr
    nets = [keras.saving.load_model(home / path, compile=False) for path in ("root/trainer/2/model/model.keras", "smaller/model.keras")]
    (large, labels), (small, same) = seen(home, 28, 32), seen(home, 14, 16)
    assert labels.tolist() == same.tolist()
    mean, to_data = np.load(home / "root/statistics/mean.npy"), [1, 2, 0]
    single = [nets[0](large[:, 2:30, 2:30]).numpy(), nets[1](small[:, 1:15, 1:15]).numpy()[:, to_data]]
    crops = [
        np.stack([nets[0](ten + mean[2:30, 2:30]).numpy().mean(0) for ten in ten_crop(large - mean, 28)]),
        np.stack([nets[1](ten).numpy().mean(0) for ten in ten_crop(small, 14)])[:, to_data],
    ]

    def errors(ways):
        return [pytest.approx(np.mean(way.argmax(1) != labels)) for way in (*ways, sum(ways))]

    found = json.loads(done.stdout)
    rows = [*found["models"], found["ensemble"]]
    assert [row["top1_error"] for row in rows] == errors(single)
    assert [row["top1_error_ten_crop"] for row in rows] == errors(crops)
    assert [row["top5_error"] for row in rows] == [0, 0, 0]
    assert [(row["model"], row["height"], row["preprocessing"]) for row in rows[:2]] == [
        ("root", 28, "raw"),
        ("smaller/model.keras", 14, "raw"),
    ]
    assert (found["examples"], found["split"], found["data"]) == (len(labels), "validation", "photographs")
    assert done.stderr.count("photographs: preparing photographs") == 2


def test_one_run_on_its_own_examples(evaluate, home):
    done = evaluate("root")
    assert done.exit_code == 0
    count = Examples(home / "root/examples").count("validation")
    heading, row, below = done.stdout.splitlines()
    assert heading == "error  top-1  top-3"
    assert row.startswith("root ")
    assert below == f"{count} validation examples of 3 classes, {home / 'photographs'}; preprocessing raw"
    assert not done.stderr
    found = json.loads(evaluate("root", "--split", "train", "--json").stdout)
    assert (found["examples"], found["ensemble"]) == (Examples(home / "root/examples").count("train"), None)
    assert found["models"][0]["top1_error_ten_crop"] is None


def test_a_further_measure_is_in_the_json(evaluate, monkeypatch):
    monkeypatch.setattr(measures, "MEASURES", [*measures.MEASURES, lambda answers: {"counted": 1.0}])
    found = json.loads(evaluate("root", "root", "--json").stdout)
    for row in (*found["models"], found["ensemble"]):
        assert (row["counted"], row["counted_ten_crop"]) == (1, None)


def test_classes_and_worst_examples(evaluate, home):
    done = evaluate("root", "--by-class", "--worst", "2")
    assert done.exit_code == 0, done.stderr
    row = json.loads(evaluate("root", "--by-class", "--worst", "2", "--json").stdout)["models"][0]
    assert [each["class"] for each in row["classes"]] == CLASSES
    assert len(row["mistakes"]) == 2
    images, labels = seen(home, 28, 28)
    probabilities = keras.saving.load_model(home / "root/trainer/2/model/model.keras", compile=False)(images).numpy()
    wrong = probabilities.argmax(1) != labels
    assert [each["top1_error"] for each in row["classes"]] == pytest.approx([wrong[labels == label].mean() for label in range(3)])
    assert row["mistakes"][0]["probability"] == pytest.approx(probabilities.max(1)[wrong].max(), rel=1e-5)
    assert "class  mistaken for" in done.stdout
    assert row["mistakes"][0]["id"] in done.stdout
    assert "classes" not in json.loads(evaluate("root", "--json").stdout)["models"][0]


def test_slices_by_a_column_of_the_table(evaluate, home):
    lines = [f"{name}/{number}.png,{name},{'phone' if number % 3 else ''}" for name in CLASSES for number in range(25)]
    (home / "photographs/table.csv").write_text("\n".join(["path,label,camera", *lines]))
    done = evaluate("root", "--data", "photographs/table.csv", "--slice-by", "camera", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    slices = {each["value"]: each for each in found["models"][0]["slices"]}
    assert set(slices) == {"phone", ""}
    assert sum(each["examples"] for each in slices.values()) == found["examples"]
    total = sum(each["examples"] * each["top1_error"] for each in slices.values())
    assert total / found["examples"] == pytest.approx(found["models"][0]["top1_error"])
    assert "(empty)" in evaluate("root", "--data", "photographs/table.csv", "--slice-by", "camera").stdout
    unknown = evaluate("root", "--data", "photographs/table.csv", "--slice-by", "lens")
    assert unknown.exit_code == 1
    assert "has the columns path, label, camera: expected one column 'lens'" in unknown.stderr
    no_table = evaluate("root", "--slice-by", "camera")
    assert no_table.exit_code == 1
    assert "expected --data TABLE.csv" in no_table.stderr


def test_pictures_of_the_mistakes_and_their_numbers(evaluate, home):
    done = evaluate("other_order", "--data", "root/examples", "--worst", "5", "--out", "drawn")
    assert done.exit_code == 0, done.output
    pictures = ["calibration.png", "confusion.png", "mistakes.png"]
    assert sorted(path.name for path in (home / "drawn").glob("*.png")) == pictures
    assert all(f"drawn/{name}" in done.stdout for name in pictures)
    numbers, drawn = (json.loads((home / f"drawn/{name}.json").read_text()) for name in ("evaluate", "mistakes"))
    assert sorted(numbers["pictures"]) == pictures
    assert [each["id"] for each in drawn["mistakes"]] == [each["id"] for each in numbers["mistakes"]]
    for each in drawn["mistakes"]:  # The softmax of the logits that are projected.
        assert np.exp(each["logit"] - each["logit_of_class"]) == pytest.approx(each["probability"] / each["probability_of_class"], rel=1e-3)
    evaluate("other_order", "--data", "root/examples", "--out", "drawn")
    assert sorted(path.name for path in (home / "drawn").glob("*.png")) == pictures[:2]
    assert "--out draws the mistakes of one MODEL; 2 were given" in evaluate("root", "root", "--out", "drawn").stderr


def test_a_file_without_labels_is_taken_at_its_word(evaluate):
    done = evaluate("root", "nameless/model.keras", "--preprocessing", "caffe", "--json")
    assert done.exit_code == 0
    assert "nameless/model.keras: there is no labels.txt; its 3 outputs are assumed to be the classes of the data" in done.stderr
    # The run's own centres RGB values itself.
    assert [row["preprocessing"] for row in json.loads(done.stdout)["models"]] == ["raw", "caffe"]


def test_ten_crops_of_the_file_of_a_run(evaluate):
    done = evaluate("root/trainer/2/model/model.keras", "--data", "root/examples", "--ten-crop")
    assert done.exit_code == 0
    assert "the file holds only the centre of its mean image" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing argument 'MODEL [MODEL ...]'"),
        (["nameless/model.keras"], 2, "give --data, or the directory of a run"),
        (["nameless/model.keras", "--data", "photographs", "--split", "test"], 2, "photographs have the splits train and validation"),
        (["root", "--split", "test"], 1, "has no split 'test'; it has train, validation"),
        (["root", "other/model.keras"], 1, "There is a class that other/model.keras does not know: 'dog'"),
        (["wrong/model.keras", "root"], 1, "names 2 classes, and the model has 3 outputs"),
        (
            ["root", "smaller/model.keras"],
            1,
            "smaller/model.keras expects images of 14 pixels, but the data of the runs was prepared for 28",
        ),
        (["root", "none.keras"], 1, "no model file none.keras"),
        (
            ["root", "--image-size", "96"],
            1,
            "--image-size 96 is for a model that accepts any size; the models here expect images of (None, 28, 28, 3)",
        ),
        (["root", "--data", "nowhere/at/all"], 1, "nowhere/at/all"),
    ],
)
def test_what_cannot_be_evaluated(evaluate, arguments, code, message):
    done = evaluate(*arguments)
    assert done.exit_code == code
    assert message in done.stderr.splitlines()[-1]
    assert not done.stdout


def test_all_models_are_opened_before_photographs_are_prepared(evaluate):
    done = evaluate("root", "none.keras", "--data", "photographs")
    assert done.exit_code == 1
    assert "preparing" not in done.stderr


def row(name, *errors):
    return {"model": name, **dict(zip(("top1_error", "top5_error", "top1_error_ten_crop", "top5_error_ten_crop"), errors, strict=True))}


def test_one_model_with_ten_crops():
    assert error_table([row("zfnet_run", 0.384, 0.165, 0.375, 0.16)], None, 1000) == [
        "error      top-1  top-5  top-1, ten crops  top-5, ten crops",
        "zfnet_run  38.4%  16.5%             37.5%             16.0%",
    ]


def test_an_ensemble_of_few_classes():
    models = [row("a", 1.0, 0.0, None, None), row("b", 0.5, 0.0, None, None)]
    ensemble = {name: value for name, value in row("", 0.12345, 0.0, None, None).items() if name != "model"}
    assert error_table(models, ensemble, 3) == [
        "error                         top-1  top-3",
        "a                            100.0%   0.0%",
        "b                             50.0%   0.0%",
        "all, probabilities averaged   12.3%   0.0%",
    ]
