import importlib
import random

import h5py
import keras
import numpy as np
import pytest
from keras.applications import imagenet_utils

from zfnet.components.inputs.keras_cache import DownloadError
from zfnet.components.inputs.keras_net import KerasNet, applications
from zfnet.components.inputs.preprocessing import with_preprocessing

MOBILENET = "mobilenet_1_0_224_tf.h5"
# From the documentation of keras.applications, by the beginnings of names; longer ones first.
DOCUMENTED = {
    "MobileNetV3": "raw",
    "EfficientNet": "raw",
    "ConvNeXt": "raw",
    "ResNet50V2": "tf",
    "ResNet101V2": "tf",
    "ResNet152V2": "tf",
    "ResNet": "caffe",
    "VGG": "caffe",
    "DenseNet": "torch",
    "Inception": "tf",
    "MobileNet": "tf",
    "NASNet": "tf",
    "Xception": "tf",
}


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The directory of a cache, empty, on a machine without a network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # Nobody listens on this port.
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", None, raising=False)
    monkeypatch.setattr(importlib.import_module("keras.src.applications.imagenet_utils"), "CLASS_INDEX", None)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A file of weights as Keras offers it for MobileNet, and the net."""
    keras.utils.set_random_seed(5)
    net = keras.applications.MobileNet(weights=None)
    path = tmp_path_factory.mktemp("trained") / MOBILENET
    net.save(path)
    return path, net


def test_all_nets_are_found():
    assert set(applications()) == {name for name in dir(keras.applications) if name[0].isupper()}
    assert {"VGG16", "ResNet50", "ConvNeXtXLarge", "NASNetMobile"} <= set(applications())


@pytest.mark.parametrize("name", applications())
def test_preprocessing_is_that_of_keras(name):
    net, pixels = KerasNet.of(f"keras:{name}"), np.random.default_rng(0).uniform(0, 255, (2, 6, 5, 3)).astype("float32")
    assert net.preprocessing == next(kind for beginning, kind in DOCUMENTED.items() if name.startswith(beginning))
    inputs = keras.Input((6, 5, 3))
    nothing = keras.Model(inputs, keras.layers.Identity()(inputs))
    expected = importlib.import_module(applications()[name].__module__).preprocess_input(pixels.copy())
    np.testing.assert_allclose(with_preprocessing(nothing, net.preprocessing)(pixels), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ["MobileNetV3Small", "EfficientNetB0"])
def test_a_net_without_preprocessing_contains_it(name):
    model = KerasNet.of(f"keras:{name}?weights=none").open()
    assert isinstance(model.layers[1], keras.layers.Rescaling)


def test_random_weights_are_the_same_each_time_and_random_generators_go_on(models):
    net = KerasNet.of("keras:Xception?weights=none")
    first = net.open()
    keras.layers.Conv2D(3, 3)
    random.seed(7)
    expected = random.Random(7).random()
    second = net.open()
    assert random.random() == expected
    for weights, others in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, others)
    names = [[layer.name for layer in model.get_layer("xception").layers] for model in (first, second)]
    assert names[0] == names[1]
    assert {"conv2d", "conv2d_1", "conv2d_2", "conv2d_3", "batch_normalization_3", "block1_conv1"} <= set(names[0])
    assert second.get_layer("xception").get_layer("conv2d_3").filters == 1024
    assert list(models.iterdir()) == []


def test_weights_come_from_the_cache(models, trained):
    path, net = trained
    (models / MOBILENET).write_bytes(path.read_bytes())
    model = KerasNet.of("keras:MobileNet").open()
    images = np.random.default_rng(0).uniform(0, 255, (2, 224, 224, 3)).astype("float32")
    expected = net(keras.applications.mobilenet.preprocess_input(images.copy()))
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-7)


def test_without_a_network(models):
    address = f"https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/{MOBILENET}"
    with pytest.raises(
        DownloadError, match=rf"keras:MobileNet needs {MOBILENET}.*Download {address} where .*put it at {models}/{MOBILENET}"
    ):
        KerasNet.of("keras:MobileNet").open()
    (models / "nasnet_mobile.h5").write_text("half of it")
    with pytest.raises(DownloadError, match=r"nasnet_mobile.h5 is another one .*expected 020fb642.*/NASNet-mobile.h5 where"):
        KerasNet.of("keras:NASNetMobile").open()
    assert (models / "nasnet_mobile.h5").exists()


@pytest.mark.parametrize("damage", ["text", "shape"])
def test_a_file_that_holds_other_weights(models, trained, damage):
    if damage == "text":
        (models / MOBILENET).write_text("no weights")
    else:
        (models / MOBILENET).write_bytes(trained[0].read_bytes())
        with h5py.File(models / MOBILENET, "r+") as file:
            kernel = next(name for name in _arrays(file) if "conv_preds" in name and "kernel" in name)
            del file[kernel]
            file[kernel] = np.zeros((1, 1, 1024, 10), "float32")
    with pytest.raises(ValueError, match=f"keras:MobileNet can't be loaded from {models}/{MOBILENET}: .*Delete it"):
        KerasNet.of("keras:MobileNet").open()


def _arrays(file):
    names = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def test_names_of_classes(models, monkeypatch, capsys):
    net = KerasNet.of("keras:VGG16")
    assert net.labels() == []
    message = capsys.readouterr().err
    assert "keras:VGG16: classes have numbers instead of names." in message
    assert f"/data/imagenet_class_index.json where there is a network, and put it at {models}/imagenet_class_index.json." in message
    index = {str(number): [f"n{number:08}", f"class{number}"] for number in range(1000)}
    index["134"][1] = index["517"][1] = "crane"
    # Keras reads no other file than its own, so the test sets the classes that it would have read.
    monkeypatch.setattr(importlib.import_module("keras.src.applications.imagenet_utils"), "CLASS_INDEX", index)
    labels = net.labels()
    assert (labels[0], labels[134], labels[517], labels[999]) == ("class0", "crane (n00000134)", "crane (n00000517)", "class999")
    assert net.classes()[517] == ("n00000517", "crane")
    assert KerasNet.of("keras:VGG16?weights=none").labels() == []


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("keras:vgg-16", "has no net 'vgg-16'. Did you mean keras:VGG16 or keras:VGG19"),
        ("keras:efficientnetb0", "Did you mean keras:EfficientNetB0"),
        ("keras:ZZZ", r"has no net 'ZZZ'. There are: ConvNeXtBase, .*VGG16"),
        ("keras:", "has no net ''. There are"),
        ("keras:imagenet_utils", "has no net 'imagenet_utils'"),
        ("keras:VGG16?weights=random", r"expected keras:VGG16, with weights of ImageNet, or keras:VGG16\?weights=none"),
        ("keras:VGG16?weight=none", r"expected keras:VGG16, with"),
    ],
)
def test_wrong_names(argument, words):
    with pytest.raises(ValueError, match=words):
        KerasNet.of(argument)
