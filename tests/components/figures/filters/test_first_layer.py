import keras
import numpy as np
import pytest

from zfnet.components.figures.filters.first_layer import FREQUENCIES, first_layer
from zfnet.components.figures.layers import convolutions
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.model import Deconvnet, FilterRmsClip, clip_filter_rms
from zfnet.model.measures.filters import aliased_energy, filter_structure

layers = keras.layers


def deconvnet(image=(20, 27, 3), preprocessing="raw", **options):
    keras.utils.set_random_seed(0)
    net = keras.Sequential([keras.Input(image), layers.Conv2D(**{"filters": 6, "kernel_size": (5, 7), "name": "a", **options})])
    return Deconvnet(with_preprocessing(net, preprocessing))


def kernel_of(deconvnet):
    return np.asarray(deconvnet.graph.calls["a"][0].layer.kernel)


def test_what_it_says_of_a_layer():
    made = deconvnet(strides=(2, 3))
    found = first_layer(made, "a")
    assert found[:4] == ("a", (5, 7), (2, 3), 3)
    np.testing.assert_array_equal(found.aliased, aliased_energy(kernel_of(made), (2, 3)))
    np.testing.assert_allclose(found.rms, kernel_of(made).std(axis=(0, 1, 2)), rtol=0.05)
    np.testing.assert_array_equal(found.structure.roughness, filter_structure(kernel_of(made)).roughness)
    assert (found.radius, found.radius_from, found.clipped) == (None, None, None)
    assert found.pictures.shape == (6, 5, 7, 3)


def test_the_curve_meets_the_aliased_part_at_the_limit():
    found = first_layer(deconvnet(strides=2), "a")
    assert found.beyond[0] == 1
    assert found.beyond[-1] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(found.beyond[np.isclose(FREQUENCIES, 0.25)], np.median(found.aliased))


def test_clip_of_the_layer_and_of_the_caller():
    made = deconvnet(kernel_constraint=FilterRmsClip(0.08))
    layer = made.graph.calls["a"][0].layer
    layer.kernel.assign(clip_filter_rms(layer.kernel * np.linspace(0.1, 4, 6), 0.08))
    found = first_layer(made, "a", radius=5)
    assert (found.radius, found.radius_from) == (0.08, "FilterRmsClip")
    assert found.clipped.tolist() == np.isclose(found.rms, 0.08).tolist()
    assert 0 < found.clipped.sum() < 6
    found = first_layer(deconvnet(), "a", radius=0.01)
    assert (found.radius_from, found.clipped.all()) == ("--radius", True)


def test_dilated_filters_see_further():
    made = deconvnet(dilation_rate=2)
    found = first_layer(made, "a")
    assert found.size == (9, 13)
    np.testing.assert_array_equal(found.beyond[25], np.median(aliased_energy(kernel_of(made), (2, 2), (2, 2))))


def test_pictures_are_in_red_green_and_blue_however_the_model_takes_them():
    made = deconvnet((3, 20, 27), "caffe", data_format="channels_first")
    assert convolutions(made.graph) == ["a"]
    plain = deconvnet((3, 20, 27), data_format="channels_first")
    np.testing.assert_array_equal(kernel_of(made), kernel_of(plain))
    np.testing.assert_array_equal(first_layer(made, "a").pictures[..., ::-1], first_layer(plain, "a").pictures)


@pytest.mark.parametrize("preprocessing", ["raw", "tf"])
def test_filters_over_one_channel_keep_their_sign(preprocessing):
    made = deconvnet((20, 27, 1), preprocessing)
    scaled = kernel_of(made) / np.abs(kernel_of(made)).max(axis=(0, 1, 2))
    expected = np.repeat(127.5 + 127.5 * np.moveaxis(scaled, 3, 0), 3, axis=3)
    np.testing.assert_allclose(first_layer(made, "a").pictures, expected, atol=1)


def test_filters_over_other_channels_show_their_strength():
    net = keras.Sequential([keras.Input((20, 28, 3)), layers.Reshape((10, 14, 12)), layers.Conv2D(4, 3, name="a")])
    made = Deconvnet(net, "gradient")
    kernel = kernel_of(made).copy()
    kernel[0, 0], kernel[1, 1] = 0, 1
    made.graph.calls["a"][0].layer.kernel.assign(kernel)
    found = first_layer(made, "a")
    assert found.channels == 12
    assert (found.pictures[:, 0, 0] == 128).all()
    assert (found.pictures[:, 1, 1] == 255).all()


def test_weights_that_are_not_numbers():
    made = deconvnet()
    layer = made.graph.calls["a"][0].layer
    layer.kernel.assign(np.full(layer.kernel.shape, np.nan))
    with pytest.raises(ValueError, match="'a' has weights that are not finite numbers"):
        first_layer(made, "a")
