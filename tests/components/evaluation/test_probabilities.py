import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.evaluation.probabilities import Probabilities, check_same_examples, class_order
from zfnet.components.example_gen import generate_examples
from zfnet.components.inputs.model_file import load_model_file
from zfnet.model import ten_crop


def net_of(shape, classes=3, activation="softmax"):
    keras.utils.set_random_seed(0)
    # Small weights: softmax of pixel values up to 255 would be 0 and 1.
    dense = keras.layers.Dense(classes, activation, kernel_initializer=keras.initializers.RandomNormal(stddev=1e-4))
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), dense])


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 255, (5, 64, 64, 3)).astype("float32")


def test_outputs_in_the_order_of_the_data(examples, images):
    net, central = net_of((56, 56, 3)), images[:, 4:60, 4:60]
    found = Probabilities(net, examples, order=[2, 0, 1]).of(central, ten_crop=False)
    np.testing.assert_array_equal(found, net(central).numpy()[:, [2, 0, 1]])


def test_layout_and_shape_of_the_model(examples, images):
    net, central = net_of((3, 56, 40)), images[:, 4:60, 4:60]
    found = Probabilities(net, examples).of(central, ten_crop=False)
    np.testing.assert_array_equal(found, net(np.moveaxis(central[:, :, 8:48], 3, 1)))


def test_open_size_is_that_of_the_examples(examples, images):
    net = keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, "softmax")])
    assert Probabilities(net, examples).stored_size(ten_crop=False) == 56


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_softmax_of_what_are_no_probabilities(examples, images, activation):
    net, central = net_of((56, 56, 3), activation=activation), images[:, 4:60, 4:60]
    logits = np.exp(net(central).numpy().astype(float))
    np.testing.assert_allclose(Probabilities(net, examples).of(central, False), logits / logits.sum(1, keepdims=True), rtol=1e-5)


@pytest.fixture
def two_classes(examples, tmp_path):
    """The examples without their third class, as far as a model is concerned."""
    shutil.copytree(examples.path, tmp_path / "two")
    manifest = json.loads((tmp_path / "two/manifest.json").read_text())
    (tmp_path / "two/manifest.json").write_text(json.dumps(manifest | {"labels": manifest["labels"][:2]}))
    return Examples(tmp_path / "two")


@pytest.mark.parametrize("order", [None, [1, 0]])
def test_one_sigmoid_is_the_probability_of_the_second_class(two_classes, images, order):
    net, central = net_of((56, 56, 3), 1, "sigmoid"), images[:, 4:60, 4:60]
    second = net(central).numpy().astype(float)
    expected = np.concatenate([1 - second, second], axis=1)[:, order or [0, 1]]
    np.testing.assert_allclose(Probabilities(net, two_classes, order).of(central, ten_crop=False), expected, rtol=1e-6)
    np.testing.assert_allclose(Probabilities(net, two_classes, order).of(images, ten_crop=True).numpy().sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("activation", [None, "tanh", "relu"])
def test_one_number_that_is_no_probability_is_refused(two_classes, activation):
    with pytest.raises(ValueError, match=r"the examples have 2 classes: expected \(None, 2\), or \(None, 1\) from a sigmoid"):
        Probabilities(net_of((56, 56, 3), 1, activation), two_classes)


def test_one_sigmoid_is_not_three_classes(examples):
    with pytest.raises(ValueError, match=r"outputs of \(None, 1\); the examples have 3 classes: expected \(None, 3\)\."):
        Probabilities(net_of((56, 56, 3), 1, "sigmoid"), examples)


@pytest.mark.parametrize("logits", [[1e-9, 0, 2e-9], [200, 400, 0]])
def test_softmax_makes_no_ties(examples, images, logits):
    net = net_of((56, 56, 3), activation=None)
    net.set_weights([np.zeros((9408, 3)), np.array(logits)])
    found = Probabilities(net, examples).of(images[:, 4:60, 4:60], ten_crop=False).numpy()
    assert found.argsort(1).tolist() == [np.argsort(logits).tolist()] * 5
    assert (np.diff(np.sort(found, 1)) > 0).all()


def test_nan_is_left_as_it_is(examples, images):
    net = net_of((56, 56, 3))
    net.set_weights([np.full_like(weight, np.nan) for weight in net.get_weights()])
    assert np.isnan(Probabilities(net, examples).of(images[:, 4:60, 4:60], False)).all()


def test_ten_crops_of_a_net_that_subtracts_the_mean(examples, statistics, model, images):
    net, mean = load_model_file(model.path / "model.keras"), statistics.mean_image()
    expected = [net(crops + mean[4:60, 4:60]).numpy().mean(0) for crops in ten_crop(images - mean, 56).numpy()]
    found = Probabilities(net, examples, mean=mean).of(tf.constant(images), ten_crop=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_ten_crops_of_another_net_are_plain_rgb(examples, images):
    net = net_of((56, 48, 3))
    expected = [net(crops[:, :, 4:52]).numpy().mean(0) for crops in ten_crop(tf.constant(images), 56).numpy()]
    found = Probabilities(net, examples).of(tf.constant(images), ten_crop=True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert abs(found.numpy() - net(images[:, 4:60, 8:56]).numpy()).max() > 1e-3


@pytest.mark.parametrize(
    ("shape", "classes", "mean", "message"),
    [
        ((60, 60, 3), 3, None, "takes images of 60 x 60 pixels, not of 56"),
        ((56, 56, 1), 3, None, "takes images of one channel; expected three"),
        ((56, 56, 3), 4, None, r"has outputs of \(None, 4\); the examples have 3 classes: expected \(None, 3\)"),
        ((56, 56, 3), 3, np.zeros((56, 56, 3)), r"mean image is \(56, 56, 3\), the stored images are \(64, 64, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(examples, shape, classes, mean, message):
    with pytest.raises(ValueError, match=message):
        Probabilities(net_of(shape, classes), examples, mean=mean)


def test_places_by_name():
    assert class_order("net", ["a", "b", "c"], ["c", "a", "b"]) == [2, 0, 1]


def test_the_same_order_needs_no_different_names():
    assert class_order("net", ["crane", "crane"], ["crane", "crane"]) == [0, 1]


@pytest.mark.parametrize(
    ("known", "wanted", "message"),
    [
        (["a", "b"], ["a", "c"], r"There is a class that net does not know: 'c'\. Expected the same classes, in any order"),
        (["a", "b", "c"], ["b", "a"], "There is a class that the data, unlike net, does not have: 'c'"),
        (["a"], ["z", "y", "x", "w", "a"], r"There are 4 classes that net does not know: 'z', 'y', 'x', \.\.\."),
        (["crane", "a", "crane"], ["crane", "crane", "a"], "'crane' is the name of several classes"),
        (["crane", "a"], ["a", "crane", "crane"], "'crane' is the name of several classes"),
    ],
)
def test_classes_that_do_not_match_are_named(known, wanted, message):
    with pytest.raises(ValueError, match=message):
        class_order("net", known, wanted)


@pytest.fixture
def prepare(folder, tmp_path):
    """Prepares the photographs of two of the classes for 14 pixels."""

    def run(name, *, classes=("blue", "green", "red"), leave_out=(), num_shards=None):
        photographs = tmp_path / f"{name}-photographs"
        for class_name in classes:
            (photographs / class_name).mkdir(parents=True)
            for path in (folder / class_name).iterdir():
                if f"{class_name}/{path.name}" not in leave_out:
                    (photographs / class_name / path.name).symlink_to(path)
        made = Examples(tmp_path / name)
        source = open_source(str(photographs), tmp_path)
        generate_examples(made, source=source, image_size=14, num_shards=num_shards, max_rejected=0, runner="FnApiRunner", beam_options=())
        return made

    return run


def test_same_photographs_in_another_size(examples, prepare):
    for split in ("train", "validation"):
        check_same_examples([examples, examples, prepare(split)], split)


def test_other_photographs_are_named(examples, prepare):
    with pytest.raises(ValueError, match=r"do not hold the same train examples \('green/7.png' is in one of them alone\)"):
        check_same_examples([examples, prepare("fewer", leave_out=["green/7.png"])], "train")


def test_other_classes_are_named(examples, prepare):
    with pytest.raises(ValueError, match=r"do not hold the same classes \('red' is in one of them alone\)"):
        check_same_examples([examples, prepare("two", classes=("blue", "green"))], "validation")


def test_another_order_is_refused(examples, prepare):
    turned = prepare("turned", num_shards=3)
    check_same_examples([examples, turned], "train")  # whatever the number of shards
    manifest = turned.read_json("manifest.json")
    manifest["splits"]["train"]["shards"].reverse()
    (turned.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"train examples \(their order is not the same\)"):
        check_same_examples([examples, turned], "train")
