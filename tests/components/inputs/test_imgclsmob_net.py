import hashlib
import zipfile

import keras
import numpy as np
import pytest

from zfnet.components.inputs import imgclsmob_net
from zfnet.components.inputs.imgclsmob_net import PUBLISHED, ImgclsmobNet
from zfnet.components.inputs.model_file import load_model_file
from zfnet.model import ARCHITECTURES, Deconvnet
from zfnet.model.net import architecture

SMALL = ARCHITECTURES["imgclsmob-zfnet"].with_filters(conv1=6, conv2=8, conv3=7, conv4=9, conv5=5).with_units(11)
PUBLISHED_FILE = PUBLISHED["zfnet"].file


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Keras' cache, empty, on a machine without a network."""

    def no_network(*arguments, **options):
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", no_network)
    (tmp_path / "keras" / "models").mkdir(parents=True)
    return tmp_path / "keras" / "models"


@pytest.fixture
def small(tmp_path, monkeypatch, write_imgclsmob_weights):
    """The net at a twentieth of its width, and a file of its weights that is taken for the published one."""
    path = tmp_path / "small.h5"
    write_imgclsmob_weights(path, SMALL, 36, 1000)
    monkeypatch.setitem(architecture.ARCHITECTURES, "imgclsmob-zfnet", SMALL)
    published = PUBLISHED["zfnet"]._replace(sha1=hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest())
    monkeypatch.setitem(imgclsmob_net.PUBLISHED, "zfnet", published)
    return path


def pack(path, packed, name=PUBLISHED_FILE):
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, name)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(2).uniform(0, 255, (2, 224, 224, 3)).astype("float32")


@pytest.mark.parametrize(
    ("argument", "net"),
    [
        ("imgclsmob:zfnet", ImgclsmobNet("zfnet", "imagenet")),
        ("imgclsmob:zfnetb?weights=none", ImgclsmobNet("zfnetb", "none")),
        ("imgclsmob:zfnet?weights=/data/my weights.h5", ImgclsmobNet("zfnet", "/data/my weights.h5")),
    ],
)
def test_names(argument, net):
    assert ImgclsmobNet.of(argument) == net
    assert net.argument == argument


@pytest.mark.parametrize("argument", ["imgclsmob:", "imgclsmob:alexnet", "imgclsmob:ZFNet", "imgclsmob:zfnet?", "imgclsmob:zfnet?none"])
def test_other_names_say_which_there_are(argument):
    with pytest.raises(ValueError, match=r"There is no net .*; expected imgclsmob:zfnet or imgclsmob:zfnetb, and after it \?weights=none"):
        ImgclsmobNet.of(argument)


def test_a_zip_in_the_cache_is_unpacked_once(small, cache, images):
    pack(small, cache / f"{PUBLISHED_FILE}.zip")
    first = ImgclsmobNet("zfnet").open()
    assert [path.name for path in cache.iterdir()] == [PUBLISHED_FILE]
    assert (cache / PUBLISHED_FILE).read_bytes() == small.read_bytes()
    np.testing.assert_array_equal(ImgclsmobNet("zfnet").open()(images), first(images))
    np.testing.assert_array_equal(ImgclsmobNet("zfnet", str(small)).open()(images), first(images))
    first.save(cache / "zfnet.keras")
    np.testing.assert_array_equal(load_model_file(cache / "zfnet.keras")(images), first(images))


def test_it_takes_rgb_and_is_projected_to_rgb(small, images):
    model = ImgclsmobNet("zfnet", str(small)).open()
    (net,) = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    standardised = (images / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(model(images), net(standardised), rtol=1e-3, atol=1e-6)
    # A projection to the net's input, through the transpose of the standardisation.
    inner = Deconvnet(net).record(standardised, ["conv4"]).project("conv4", 3)
    outer = Deconvnet(model).record(images, ["conv4"]).project("conv4", 3)
    np.testing.assert_allclose(outer, inner / 255 / [0.229, 0.224, 0.225], rtol=0, atol=1e-4 * np.abs(outer).max())
    assert np.abs(outer).max((1, 2, 3)).min() > 0


def test_random_weights_are_the_same_each_time(small, images):
    one, other = (ImgclsmobNet("zfnet", "none").open() for _ in range(2))
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_without_a_network_the_message_says_where_the_file_may_be_put(cache, capsys):
    with pytest.raises(ValueError, match="can't be downloaded") as caught:
        ImgclsmobNet("zfnetb").open()
    message = str(caught.value)
    assert "https://github.com/osmr/imgclsmob/releases/download/v0.0.400/zfnetb-1483-6ff6768e.h5.zip" in message
    assert str(cache / "zfnetb-1483-6ff6768e.h5.zip") in message
    assert "MIT licence" in capsys.readouterr().err
    assert list(cache.iterdir()) == []


def test_another_file_in_its_place_is_refused(small, cache):
    (cache / PUBLISHED_FILE).write_bytes(small.read_bytes() + b" ")
    with pytest.raises(ValueError, match=rf"{PUBLISHED_FILE} is not the file that imgclsmob published: its SHA-1 is \w+, expected"):
        ImgclsmobNet("zfnet").open()


def test_a_damaged_zip_is_named(small, cache):
    packed = cache / f"{PUBLISHED_FILE}.zip"
    pack(small, packed)
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(ValueError, match=rf"{packed.name} can't be unpacked: .*delete it to download it again"):
        ImgclsmobNet("zfnet").open()
    pack(small, packed, "another.h5")
    with pytest.raises(ValueError, match=rf"{packed.name} can't be unpacked: .*{PUBLISHED_FILE}"):
        ImgclsmobNet("zfnet").open()
    assert list(cache.iterdir()) == [packed]


def test_a_file_alone_says_how_it_is_given(small):
    with pytest.raises(ValueError, match=rf"If they are those of a ZFNet of imgclsmob, MODEL is 'imgclsmob:zfnet\?weights={small}'"):
        load_model_file(small)


def test_files_for_other_libraries_are_refused(tmp_path):
    (tmp_path / "zfnet-1727-d010ddca.pth").write_bytes(b"\x80\x02cos\nsystem\n")
    with pytest.raises(ValueError, match=r"(?s)\.pth is not HDF5; expected weights for Keras, like https://.*a \.pth file is a pickle"):
        ImgclsmobNet("zfnet", str(tmp_path / "zfnet-1727-d010ddca.pth")).open()
    with pytest.raises(ValueError, match=r"There is no file .*missing\.h5; expected weights for Keras"):
        ImgclsmobNet("zfnet", str(tmp_path / "missing.h5")).open()


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_whole_nets_equal_a_forward_pass_in_numpy(tmp_path, name, images, write_imgclsmob_weights, imgclsmob_in_numpy):
    weights = write_imgclsmob_weights(tmp_path / "weights.h5", ARCHITECTURES[f"imgclsmob-{name}"], 36, 1000)
    model = ImgclsmobNet(name, str(tmp_path / "weights.h5")).open()
    values = imgclsmob_in_numpy.forward((images / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225], weights)
    powers = np.exp(values["fc8"] - values["fc8"].max(1, keepdims=True))
    np.testing.assert_allclose(model(images), powers / powers.sum(1, keepdims=True), rtol=1e-3, atol=1e-6)
    recording = Deconvnet(model).record(images, ["conv5"])
    theirs = values["conv5"].transpose(0, 2, 3, 1)
    np.testing.assert_allclose(recording.activations("conv5"), theirs, rtol=0, atol=1e-5 * theirs.max())
    projections = recording.project("conv5", theirs.max((1, 2)).min(0).argmax())  # a map that both images excite
    assert projections.shape == images.shape
    assert np.abs(projections).max((1, 2, 3)).min() > 0
