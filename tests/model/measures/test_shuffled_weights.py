import keras
import numpy as np
import pytest
from scipy.stats import rankdata

import zfnet
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.model.measures.shuffled_weights import FIXED, Likeness, check_layers, likeness, shuffled, shuffled_kernels, weighted_layers

layers = keras.layers


@pytest.fixture(scope="module")
def deconvnet():
    keras.utils.set_random_seed(4)
    return zfnet.Deconvnet(zfnet.build("zfnet-small", (64, 64, 3), 3, seed=1))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype("float32")


def correlation(one, other):
    return np.corrcoef(rankdata(one), rankdata(other))[0, 1]


def test_likeness_by_numpy():
    one, other = np.random.default_rng(0).normal(size=(2, 12, 10, 3))
    other += one
    found = likeness([one], [other])
    strengths = [np.abs(each).sum(-1) for each in (one, other)]
    np.testing.assert_allclose(found.pattern, correlation(one, other), rtol=1e-9)
    np.testing.assert_allclose(found.places, correlation(*strengths), rtol=1e-9)
    # SSIM of Wang et al. 2004, equation 13, in all windows of 7 x 7, of each channel by itself.
    windows = [np.lib.stride_tricks.sliding_window_view(each / np.abs(each).max(), (7, 7), axis=(0, 1)) for each in (one, other)]
    (mean, mean2), (var, var2) = ([each.mean((-1, -2)) for each in windows], [each.var((-1, -2), ddof=1) for each in windows])
    both = ((windows[0] - mean[..., None, None]) * (windows[1] - mean2[..., None, None])).sum((-1, -2)) / 48
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    ssim = (2 * mean * mean2 + c1) * (2 * both + c2) / ((mean**2 + mean2**2 + c1) * (var + var2 + c2))
    np.testing.assert_allclose(found.ssim, ssim.mean(), rtol=1e-6)


def test_equal_unrelated_and_empty_pictures():
    random = np.random.default_rng(0)
    picture = random.normal(size=(40, 40, 3))
    np.testing.assert_allclose(likeness([picture], [5 * picture]), 1)
    assert np.abs(likeness([picture], [random.normal(size=picture.shape)])).max() < 0.1
    assert np.isnan(likeness([picture], [np.zeros_like(picture)])).all()
    # A picture that can't be compared is left out.
    assert likeness([picture, picture], [picture, np.zeros_like(picture)]) == likeness([picture], [picture])
    found = likeness([picture[:2, :2]], [picture[:2, :2] ** 3])  # Too small for a window.
    assert found[0] == pytest.approx(1)
    assert np.isnan(found.ssim)


def test_shuffled_weights_are_the_same_numbers_and_come_back(deconvnet):
    found = list(weighted_layers(deconvnet.graph, "conv3").values())
    before = deconvnet.model.get_weights()
    for _ in range(2):
        with shuffled(found, [1]):
            kernel, bias = (np.array(weight) for weight in found[1].get_weights())
            assert [layer.name for layer in found if layer is not found[1]] == ["conv1", "conv3"]
        original = found[1].get_weights()
        assert not np.array_equal(kernel, original[0])
        np.testing.assert_array_equal(np.sort(kernel.ravel()), np.sort(original[0].ravel()))
        np.testing.assert_array_equal(np.sort(bias), np.sort(original[1]))
    with pytest.raises(KeyboardInterrupt), shuffled(found, range(3)):
        raise KeyboardInterrupt
    for one, other in zip(before, deconvnet.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_kernels_alone_are_shuffled_and_come_back(deconvnet):
    before = deconvnet.model.get_weights()
    with shuffled_kernels(deconvnet.model, seed=3):
        inside = deconvnet.model.get_weights()
    for old, mixed, new in zip(before, inside, deconvnet.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
        np.testing.assert_array_equal(np.sort(old.ravel()), np.sort(mixed.ravel()))
        assert (old.ndim == 1) == np.array_equal(old, mixed)
    with pytest.raises(RuntimeError), shuffled_kernels(deconvnet.model):
        raise RuntimeError
    np.testing.assert_array_equal(deconvnet.model.get_weights()[0], before[0])


def test_cascades_as_of_nets_that_have_these_weights(deconvnet, images):
    """Each step again with a new model and a new deconvnet, whose units get the strength 1 by division."""
    position = 1, 2
    unit = int(np.asarray(deconvnet.activations(images, ["conv3"])[0])[:, 1, 2].min(axis=0).argmax())  # Active in all images.
    found = check_layers(deconvnet, images, "conv3", unit, position, seed=7)
    assert found.layers == ["conv1", "conv2", "conv3"]
    field = zfnet.receptive_field(deconvnet, "conv3")
    top, left = (offset + stride * place for offset, stride, place in zip(field.offset, field.stride, position, strict=True))
    window = slice(max(top, 0), top + field.size[0]), slice(max(left, 0), left + field.size[1])

    def projected(places):
        copy = keras.models.clone_model(deconvnet.model)
        copy.set_weights(deconvnet.model.get_weights())
        for place in places:
            layer = copy.get_layer(found.layers[place])
            layer.set_weights(
                [np.random.default_rng([7, place, k]).permutation(w.ravel()).reshape(w.shape) for k, w in enumerate(layer.get_weights())]
            )
        other = zfnet.Deconvnet(copy)
        value = np.asarray(other.activations(images, ["conv3"])[0])[:, position[0], position[1], unit]
        pictures = other.project(images, "conv3", unit, position)
        return [(picture / number)[window] if number > 0 else None for picture, number in zip(pictures, value, strict=True)]

    original, compared = projected([]), 0
    for kind, steps in {"alone": [[0], [1], [2]], "above": [[0, 1, 2], [1, 2], [2]], "below": [[0], [0, 1], [0, 1, 2]]}.items():
        for step, places in enumerate(steps):
            pairs = [(one, other) for one, other in zip(original, projected(places), strict=True) if one is not None and other is not None]
            if len(pairs) == len(images):  # Without ReLUs that are 0, which cannot be divided by.
                np.testing.assert_allclose(getattr(found, kind)[step], likeness(*zip(*pairs, strict=True)), atol=2e-3)
                compared += 1
    assert compared >= 3


def test_steps_that_are_the_same_agree(deconvnet, images):
    found = check_layers(deconvnet, images, "conv2", 3)
    assert found.alone[0] == found.below[0]
    assert found.alone[-1] == found.above[-1]
    assert found.above[0] == found.below[-1]
    assert all(-1 <= value < 0.999 for kind in (found.alone, found.above, found.below) for each in kind for value in each)


def test_layers_above_take_no_part(deconvnet, images):
    unit = int(np.asarray(deconvnet.activations(images, ["conv2"])[0]).max(axis=(0, 1, 2)).argmax())
    before = deconvnet.project(images, "conv2", unit)
    top = list(weighted_layers(deconvnet.graph, "conv5").values())
    with shuffled(top, range(2, len(top))):
        np.testing.assert_array_equal(deconvnet.project(images, "conv2", unit), before)
    with shuffled(top, [0]):
        assert not np.array_equal(deconvnet.project(images, "conv2", unit), before)


def test_layers_without_a_matrix_of_weights_and_shared_ones():
    image = keras.Input((16, 16, 3))
    shared = layers.Conv2D(3, 3, padding="same", use_bias=False, name="shared")
    hidden = layers.ReLU()(layers.BatchNormalization(name="norm")(shared(image)))
    hidden = layers.PReLU(name="prelu")(shared(hidden))
    model = keras.Model(image, layers.Dense(2, name="top")(layers.GlobalAveragePooling2D()(hidden)))
    assert list(weighted_layers(zfnet.Deconvnet(model).graph, "top")) == ["shared", "top"]


def test_no_layers_to_shuffle(images):
    model = keras.Sequential([keras.Input((64, 64, 3)), layers.MaxPooling2D(name="pool"), layers.Conv2D(2, 3, name="conv")])
    found = check_layers(zfnet.Deconvnet(model), images, "pool", 0)
    assert found == ([], [], [], [])


def test_other_inputs_than_images(deconvnet):
    signals = keras.Sequential([keras.Input((30, 1)), layers.Conv1D(2, 5, activation="relu", name="conv")])
    with pytest.raises(ValueError, match="does not take one batch of images: the check compares pictures"):
        check_layers(zfnet.Deconvnet(signals), np.ones((2, 30, 1)), "conv", 0)


def test_channels_first_is_the_same(images):
    keras.utils.set_random_seed(0)
    nets = []
    for layout, shape in (("channels_last", (64, 64, 3)), ("channels_first", (3, 64, 64))):
        conv = {"data_format": layout, "activation": "relu"}
        nets.append(
            keras.Sequential([keras.Input(shape), layers.Conv2D(4, 5, name="one", **conv), layers.Conv2D(4, 3, name="two", **conv)])
        )
    nets[1].set_weights(nets[0].get_weights())
    one = check_layers(zfnet.Deconvnet(nets[0]), images, "two", 1, (9, 9))
    other = check_layers(zfnet.Deconvnet(nets[1]), images.transpose(0, 3, 1, 2), "two", 1, (9, 9))
    np.testing.assert_allclose(one.alone, other.alone, atol=1e-3)
    assert isinstance(one.alone[0], Likeness)


def test_a_preprocessing_is_not_shuffled():
    net = keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(2, 3, name="maps")])
    whole = with_preprocessing(net, "caffe")
    fixed = whole.layers[1]
    before = fixed.get_weights()
    assert fixed.name.startswith(FIXED)
    assert list(weighted_layers(zfnet.Deconvnet(whole).graph, "maps")) == ["maps"]
    kernel = net.get_layer("maps").get_weights()[0]
    with shuffled_kernels(whole):
        assert not np.array_equal(net.get_layer("maps").get_weights()[0], kernel)
        np.testing.assert_array_equal(fixed.get_weights()[0], before[0])
