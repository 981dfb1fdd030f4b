import keras
import numpy as np
import pytest

from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures.filters.report import FREQUENCIES, _second_layer, first_layer, no_projection
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.layers import convolutions
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.components.pictures.projected_activation import signed_scale, signed_to_rgb
from zfnet.model import Deconvnet, FilterRmsClip, clip_filter_rms, receptive_field
from zfnet.model.measures.filters import aliased_energy, filter_structure

layers = keras.layers


def changes(report):
    return [verdict.measure for verdict in report.verdicts if verdict.change]


def words(report, measure):
    return " ".join(verdict.words for verdict in report.verdicts if verdict.measure == measure)


def test_a_clean_net_gets_no_warning(clean):
    assert changes(clean) == []
    assert [verdict.measure for verdict in clean.verdicts] == ["structure", "aliasing", "filter size", "dead maps", "spread"]
    assert clean.first.aliased.max() < 0.1
    assert not clean.dead.any()
    assert clean.order().tolist() == np.argsort(clean.first.aliased, kind="stable").tolist()


def test_a_dead_filter_and_a_chequerboard_are_found_and_named(planted):
    assert np.flatnonzero(planted.dead).tolist() == [3]
    assert np.flatnonzero(planted.first.aliased > 0.5).tolist() == [5]
    assert planted.order()[-2:].tolist() == [5, 3]
    assert "dead maps" in changes(planted)
    assert "conv1, 1 of 16 maps (3)" in words(planted, "dead maps")
    assert "mostly aliased: 1 of 16 filters (5)" in words(planted, "aliasing")


def test_noise_comes_last_and_nothing_of_it_is_called_good(noise):
    aliased = noise.first.aliased
    assert noise.order().tolist() == [
        number for kind in ((12, 16), (9, 12), (0, 9)) for number in sorted(range(*kind), key=aliased.__getitem__)
    ]
    assert noise.verdicts[0].change
    assert "conv1: 4 of 16 filters have structure" in noise.verdicts[0].words
    others = [(verdict.measure, verdict.change) for verdict in noise.verdicts[1:]]
    assert others == [("aliasing", None), ("filter size", None), ("dead maps", False), ("spread", None)]


def test_11x11_by_4_is_told_from_7x7_by_2_for_the_same_pattern(gratings_net, report_of, coarse):
    fine = report_of(gratings_net(0.17, 7, 2))
    assert "aliasing" not in changes(fine)
    assert "aliasing" in changes(coarse)
    assert "conv1, 11 x 11 with stride 4: the stride can't represent" in words(coarse, "aliasing")
    assert "smaller stride" in words(coarse, "aliasing")
    assert np.median(coarse.first.aliased) > 3 * np.median(fine.first.aliased)


def test_layer_1_is_the_first_convolution_whatever_follows_it(report_of):
    convolutions = [layers.Conv2D(12, 3, activation=each, name=f"conv{n}") for n, each in enumerate(("tanh", "relu", "relu"), 1)]
    net = Deconvnet(keras.Sequential([keras.Input((40, 56, 3)), layers.Rescaling(1 / 255), *convolutions]), "gradient")
    assert report_of(net).rectified == (None, "conv2")


def test_it_looks_at_every_validation_example(clean, gratings_net, examples):
    images = np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])[:, 8:48]
    deconvnet = gratings_net()
    assert len(clean.images) == len(images)
    assert clean.image_size == (40, 56)
    for layer in ("conv1", "conv2"):
        activations = deconvnet.activations(images, [layer])[0].numpy()
        np.testing.assert_allclose(clean.layers[layer].maxima, activations.max(axis=(0, 1, 2)), rtol=1e-4)
        np.testing.assert_allclose(clean.layers[layer].means, activations.mean(axis=(0, 1, 2)), rtol=1e-4)
    second = clean.second
    assert (second.name, second.total, len(second.maps)) == ("conv2", 12, 5)
    maps = [each.unit for each in second.maps]
    assert (np.diff(maps) > 0).all()
    np.testing.assert_allclose([each.activation for each in second.maps], activations.max(axis=(0, 1, 2))[maps], rtol=1e-4)
    assert clean.images == read_origins(examples, "validation").ids
    assert [each.example for each in second.maps] == activations.max(axis=(1, 2))[:, maps].argmax(axis=0).tolist()


def test_channels_first_behind_a_preprocessing_is_the_same(gratings_net, report_of, planted):
    net = gratings_net(data_format="channels_first").model
    for layer in ("conv1", "conv2", "classes"):
        net.get_layer(layer).set_weights(gratings_net().model.get_layer(layer).get_weights())
    # Values 0..1 instead of 0..255: the rescaling behind takes them as they are.
    net.get_layer("conv1").kernel.assign(255 * net.get_layer("conv1").kernel)
    net.layers[0].scale, net.layers[0].offset = 1 / 64, -2 / 255
    deconvnet = Deconvnet(with_preprocessing(net, "unit"), "gradient")
    found, expected = report_of(deconvnet), report_of(gratings_net())
    assert convolutions(deconvnet.graph) == ["conv1", "conv2"]
    np.testing.assert_allclose(found.first.aliased, expected.first.aliased, atol=1e-6)
    np.testing.assert_allclose(found.layers["conv1"].means, expected.layers["conv1"].means, rtol=1e-3)
    for one, other in zip(found.second.maps, expected.second.maps, strict=True):
        np.testing.assert_allclose(one.projection.astype(int), other.projection, atol=3)


def test_a_clip_is_read_off_the_layer_or_given(gratings_net, report_of):
    report = report_of(gratings_net(), radius=1e-3)
    assert report.first.clipped.all()
    assert "filter size" in changes(report)


def test_a_net_in_which_nothing_can_be_dead_and_layer_2_can_not_be_projected(report_of):
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [
            keras.Input((40, 56, 3)),
            layers.Conv2D(12, 3, activation="swish", name="a"),
            layers.Conv2D(12, 3, name="b"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    report = report_of(Deconvnet(net, "gradient"))
    assert report.layers == {}
    assert report.dead is None
    assert report.second is None
    assert "no deconvnet is defined for layer 'a' (Conv2D)" in report.no_second
    assert "no dead maps to find" in words(report, "dead maps")


def test_a_second_layer_that_is_dead_or_not_there(gratings_net, report_of):
    deconvnet = gratings_net()
    deconvnet.model.get_layer("conv2").bias.assign(np.full(12, -1e6))
    report = report_of(deconvnet)
    assert report.no_second == "no map of conv2 is ever positive"
    assert "conv2, 12 of 12 maps" in words(report, "dead maps")
    net = keras.Sequential([keras.Input((56, 56, 3)), layers.Conv2D(12, 3, activation="relu", name="a"), layers.Flatten()])
    assert report_of(Deconvnet(net)).no_second == "the model has one convolution alone"


def test_weights_above_the_first_layer_that_are_not_numbers(gratings_net, report_of):
    deconvnet = gratings_net()
    deconvnet.model.get_layer("conv2").bias.assign(np.full(12, np.nan))
    with pytest.raises(ValueError, match="'conv2' has weights that are not finite"):
        report_of(deconvnet)


def test_a_model_without_a_convolution(report_of):
    net = keras.Sequential([keras.Input((56, 56, 3)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match="no Conv2D layer"):
        report_of(Deconvnet(net))


def test_each_picture_is_the_projection_of_the_strongest_activation(gratings_net):
    deconvnet = gratings_net()
    images = np.random.default_rng(0).uniform(0, 255, size=(8, 40, 56, 3)).astype("float32")
    found, _ = _second_layer(ExampleSearch(deconvnet, ImageSet.of_array(deconvnet.model, images)), maps=7, seed=3)
    activations = deconvnet.activations(images, ["conv2"])[0].numpy()
    assert len(found.maps) == 7
    for each in found.maps:
        strongest = np.unravel_index(activations[..., each.unit].argmax(), activations.shape[:3])
        assert (each.example, *each.position) == strongest
        image = images[each.example][None]
        (top, left), (height, width) = each.corner, each.projection.shape[:2]
        assert (height, width) == receptive_field(deconvnet, "conv2").size
        projection = deconvnet.project(image, "conv2", each.unit, np.array(each.position))[0][top : top + height, left : left + width]
        assert projection.shape[:2] == (height, width)
        np.testing.assert_allclose(each.scale, signed_scale(projection[None])[0], rtol=1e-3)
        np.testing.assert_allclose(each.projection.astype(int), signed_to_rgb(projection[None])[0], atol=2)


def test_the_seed_decides_which_maps_and_dead_ones_are_passed_over(gratings_net):
    deconvnet = gratings_net()
    bias = np.full(12, 1e3)
    bias[[1, 4]] = -1e6
    deconvnet.model.get_layer("conv2").bias.assign(bias)
    search = ExampleSearch(deconvnet, ImageSet.of_array(deconvnet.model, np.full((2, 40, 56, 3), 90, "float32")))
    chosen = [[each.unit for each in _second_layer(search, maps=6, seed=seed)[0].maps] for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert [each.unit for each in _second_layer(search, maps=99, seed=0)[0].maps] == [0, 2, 3, 5, 6, 7, 8, 9, 10, 11]


def test_what_can_be_projected():
    net = keras.Sequential(
        [
            keras.Input((20, 20, 3)),
            layers.Conv2D(4, 3, name="a"),
            layers.Activation("gelu", name="gelu"),
            layers.Conv2D(4, 3, activation="relu", name="b"),
        ]
    )
    deconvnet = Deconvnet(net, "gradient")
    assert no_projection(deconvnet, "a") is None
    assert no_projection(deconvnet, "b") == "no deconvnet is defined for layer 'gelu' (Activation)"


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
