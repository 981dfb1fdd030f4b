import keras
import numpy as np
import pytest

from zfnet.model.net.architecture import ARCHITECTURES, Architecture, Convolution, Dense
from zfnet.model.net.build import build
from zfnet.model.net.variation import find_architecture, plain_name, vary

WIDE = "conv3.filters=512,conv4.filters=1024,conv5.filters=512"
BEFORE = "conv1.normalize=before,conv2.normalize=before,contrast_alpha=2e-5"
# Every row of Table 3, and the nets of imgclsmob, spelled out.
ROWS = {
    "alexnet-without-3-4": "alexnet:without=conv3,without=conv4",
    "alexnet-without-7": "alexnet:without=fc7",
    "alexnet-without-6-7": "alexnet:without=fc6,without=fc7",
    "alexnet-without-3-4-6-7": "alexnet:without=conv3,without=fc6,without=conv4,without=fc7",
    "alexnet-dense-2048": "alexnet:fc6.units=2048,fc7.units=2048",
    "alexnet-dense-8192": "alexnet:fc7.units=8192,fc6.units=8192",
    "zfnet-dense-2048": "zfnet:fc6.units=2048,fc7.units=2048",
    "zfnet-dense-8192": "zfnet:fc6.units=8192,fc7.units=8192",
    "zfnet-wide": f"zfnet:{WIDE}",
    "zfnet-wide-dense-8192": f"zfnet:fc6.units=8192,{WIDE},fc7.units=8192",
    "imgclsmob-zfnet": f"zfnet:{BEFORE}",
    "imgclsmob-zfnetb": f"zfnet:{WIDE},{BEFORE}",
}


def test_every_row_is_a_variation():
    rows = {name for name in ARCHITECTURES if "small" not in name} - {"zfnet", "alexnet"}
    assert rows == set(ROWS)
    for name, variation in ROWS.items():
        assert find_architecture(variation) == ARCHITECTURES[name]


@pytest.mark.parametrize("name", ["alexnet-without-3-4-6-7", "zfnet-wide"])
def test_row_and_variation_have_as_many_parameters(name):
    # The convolutions, whose weights are few enough to be made for a test.
    row, variation = (build(each, include_top=name.startswith("alexnet"), classes=5) for each in (name, ROWS[name]))
    assert row.count_params() == variation.count_params() > 0
    assert row.name == name


def test_fields_of_layers_and_of_the_net():
    row = find_architecture(
        "zfnet-small:conv1.kernel=11,conv1.stride=4,conv1.padding=same,conv2.padding=2,conv2.pool=valid,conv5.pool=none,"
        "conv1.normalize=before,fc7.units=7,without=conv3,rms_radius=.2,first_stddev=1e-3,deep_stddev=0.02,input_size=64,dropout=0,schedule=plateau"
    )
    assert row == Architecture(
        convolutions=(
            Convolution("conv1", 48, 11, stride=4, padding="same", pool="same", normalize="before"),
            Convolution("conv2", 128, 5, stride=2, padding=2, pool="valid", normalize="after"),
            Convolution("conv4", 192, 3),
            Convolution("conv5", 128, 3),
        ),
        dense=(Dense("fc6", 512), Dense("fc7", 7)),
        input_size=64,
        input_scale=1 / 64,
        first_stddev=0.001,
        deep_stddev=0.02,
        rms_radius=0.2,
        dropout=0,
        learning_rate=0.02,
        schedule="plateau",
        weight_decay=0.05,
    )
    assert vary(row, "deep_stddev=none").deep_stddev is None


def test_build_makes_the_net_that_it_says():
    model = build("zfnet-small:conv1.kernel=11,conv1.stride=4,conv2.stride=1,conv3.filters=24,fc6.units=20,without=conv4", (112, 96, 3), 4)
    assert model.get_layer("conv1").kernel.shape == (11, 11, 3, 48)
    assert model.get_layer("conv1").strides == (4, 4)
    assert model.get_layer("conv3").filters == 24
    assert model.get_layer("fc6").units == 20
    assert "conv4" not in [layer.name for layer in model.layers]
    # TensorFlow opens a scope of this name.
    assert keras.tree.flatten(model.predict(np.zeros((2, 112, 96, 3), "float32"), verbose=0))[0].shape == (2, 4)


def test_a_change_of_nothing_gives_the_same_weights():
    nets = []
    for name in ("zfnet-small", "zfnet-small:conv1.kernel=7"):
        keras.utils.set_random_seed(3)
        nets.append(build(name, (56, 60, 3), 3))
    for left, right in zip(*(net.get_weights() for net in nets), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("", "'' is no change of an architecture: expected NAME=VALUE, such as conv1.filters=64"),
        ("conv1.kernel", "'conv1.kernel' is no change"),
        ("conv1.kernel=3,", "'' is no change"),
        ("conv1.kernel=", "'conv1.kernel=' is no change"),
        ("conv9.kernel=3", "conv9.kernel=3: there is no layer 'conv9'; there are conv1, conv2, conv3, conv4, conv5, fc6, fc7."),
        (".=3", "there is no layer ''"),
        ("without=conv9", "without=conv9: there is no layer 'conv9'; there are conv1"),
        ("conv1.kernal=3", "there is no 'kernal' to change; there are filters, kernel, stride, padding, pool, normalize."),
        ("conv1.name=top", "there is no 'name' to change"),
        ("fc6.filters=3", "there is no 'filters' to change; there is units."),
        ("kernel=3", "there are input_size, .*, without, or LAYER.FIELD such as conv1.filters"),
        ("dense=3", "there is no 'dense' to change"),
        ("conv1.kernel=wide", "conv1.kernel=wide: expected a whole number, not 'wide'"),
        ("conv1.kernel=2.5", "expected a whole number, not '2.5'"),
        ("conv1.padding=valid", "conv1.padding=valid: expected a whole number or same, not 'valid'"),
        ("conv1.pool=3", "expected same or valid or none, not '3'"),
        ("deep_stddev=he", "expected a number or none, not 'he'"),
        ("conv1.kernel=0", "conv1.kernel is 0; it must be at least 1"),
        ("conv1.padding=-1", "conv1.padding is -1; it must be at least 0"),
        ("fc6.units=0", "fc6.units is 0; it must be greater than 0"),
        ("rms_radius=nan", "rms_radius is nan; it must be greater than 0, and finite"),
        ("input_scale=inf", "input_scale is inf; it must be greater than 0, and finite"),
        ("dropout=1", "dropout is 1.0; it must be at least 0 and less than 1"),
        ("conv1.kernel=3,conv1.kernel=5", "conv1.kernel=5: conv1.kernel is given twice"),
        ("without=conv1,conv1.kernel=5", "conv1.kernel is changed, and the layer left out"),
        (",".join(f"without=conv{number}" for number in range(1, 6)), "no convolution left"),
    ],
)
def test_what_is_wrong_is_told(changes, message):
    with pytest.raises(ValueError, match=message):
        find_architecture(f"zfnet:{changes}")


def test_unknown_base_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no architecture 'resnet'. Choose one of: zfnet"):
        find_architecture("resnet:conv1.kernel=3")


def test_plain_names():
    assert plain_name("zfnet-small") == "zfnet-small"
    assert plain_name("zfnet:conv1.kernel=11,without=fc6") == "zfnet_conv1.kernel_11_without_fc6"
