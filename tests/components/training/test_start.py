import keras
import numpy as np
import pytest

from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.components.training.start import Start, start_digest
from zfnet.model.net.build import build

SIZE, CLASSES = 64, 4
NARROW = "conv1.filters=6,conv2.filters=6,conv3.filters=6,conv4.filters=6,conv5.filters=6,fc6.units=8,fc7.units=8"
SMALL = f"zfnet-small:{NARROW}"


def small(architecture=SMALL, **options):
    return build(architecture, (SIZE, SIZE, 3), CLASSES, **{"classifier_activation": None, "seed": 1} | options)


@pytest.fixture
def mean():
    return np.random.default_rng(1).uniform(90, 150, (SIZE, SIZE, 3)).astype("float32")


@pytest.fixture
def images():
    return np.random.default_rng(2).uniform(0, 255, (3, SIZE, SIZE, 3)).astype("float32")


def assert_same_logits(start, net, images, mean, from_start=lambda images: images):
    """With the start's classifier, `net` answers as the start does, before any training."""
    classifier = (
        start.get_layer("predictions")
        if "predictions" in [layer.name for layer in start.layers]
        else start.layers[-1].get_layer("predictions")
    )
    net.get_layer("predictions").set_weights(classifier.get_weights())
    expected, found = start(images, training=False).numpy(), net(images - mean).numpy()
    assert np.ptp(expected) > 0.01  # Not the same for all images.
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def lively(model):
    """Weights so large that the logits depend on the images."""
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if layer.name.startswith("conv1"):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * 30, generator.normal(scale=0.1, size=bias.shape)])
    return model


def test_same_answers_as_the_start_before_training(mean, images):
    start = lively(small(mean_image=mean, seed=7))
    net = small(seed=8)
    given = Start.of_model(start, "start").give(net, 1 / 64, mean)
    assert given.taken == ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
    assert given.new == ("predictions",)
    assert_same_logits(start, net, images, mean)


@pytest.mark.parametrize("scale", [1, 1 / 64])
def test_input_of_another_scale(mean, images, scale):
    start = lively(small(f"{SMALL},input_scale=0.1", mean_image=mean, seed=7))
    net = small(f"{SMALL},input_scale={scale}", seed=8)
    Start.of_model(start, "start").give(net, scale, mean)
    assert_same_logits(start, net, images, mean)


@pytest.mark.parametrize("name", ["tf", "caffe", "torch"])
def test_preprocessing_goes_into_the_first_kernel(images, name):
    start = with_preprocessing(lively(small(f"{SMALL},input_scale=1", seed=7)), name)
    layer = start.get_layer(f"preprocessing_{name}")
    kernel, bias = layer.get_weights()
    mean = np.broadcast_to(-bias @ np.linalg.inv(kernel[0, 0]), (SIZE, SIZE, 3)).astype("float32")  # The pixel that it turns into zeros.
    net = small(seed=8)
    given = Start.of_model(start, name).give(net, 1 / 64, mean)
    assert given.mean_difference < 0.01
    assert_same_logits(start, net, images, mean)


def test_another_mean_image_is_told(mean):
    start = Start.of_model(small(mean_image=mean), "start")
    other = mean.copy()
    other[3, 4, 1] += 7
    given = start.give(small(), 1 / 64, other)
    assert given.mean_difference == pytest.approx(7, abs=1e-3)
    assert "mean images differ by up to 7.0 of 255: before training" in given.message()
    assert "mean images" not in start.give(small(), 1 / 64, mean).message()


def test_the_classifier_is_new_though_it_would_fit(mean):
    net = small(seed=8)
    before = net.get_layer("predictions").get_weights()
    Start.of_model(small(mean_image=mean, seed=7), "start").give(net, 1 / 64, mean)
    np.testing.assert_array_equal(before[0], net.get_layer("predictions").get_weights()[0])


def test_layers_of_other_shapes_stay_new(mean):
    net = build(SMALL.replace("conv4.filters=6", "conv4.filters=5"), (96, 96, 3), CLASSES, seed=8)
    before = net.get_layer("conv5").get_weights()
    given = Start.of_model(small(mean_image=mean, seed=7), "runs/birds").give(net, 1 / 64, np.zeros((96, 96, 3)))
    assert (given.taken, given.new) == (("conv1", "conv2", "conv3", "fc7"), ("conv4", "conv5", "fc6", "predictions"))
    np.testing.assert_array_equal(before[0], net.get_layer("conv5").get_weights()[0])
    message = given.message()
    assert message.startswith("Started from runs/birds: conv1, conv2, conv3, fc7. New: conv4, conv5, fc6, predictions.")
    assert "mean images differ in size" in message
    assert given.numbers()["start_layers"] == ["conv1", "conv2", "conv3", "fc7"]


@pytest.mark.parametrize(
    ("architecture", "size", "frozen", "looked_for", "found"),
    [
        ("conv1.kernel=5", SIZE, ("conv1", "conv2"), "conv1 (5 x 5 x 3 x 6, 6)", "conv1 (7 x 7 x 3 x 6, 6)"),
        ("dropout=0", 96, ("fc6", "fc7"), "fc6 (24 x 8, 8)", "fc6 (6 x 8, 8)"),
    ],
)
def test_frozen_layers_that_do_not_fit(mean, architecture, size, frozen, looked_for, found):
    net = build(f"{SMALL},{architecture}", (size, size, 3), CLASSES, seed=8)
    before = net.get_weights()
    with pytest.raises(ValueError, match="A frozen layer keeps the weights of the start, but runs/birds has none that fit") as raised:
        Start.of_model(small(mean_image=mean), "runs/birds").give(net, 1 / 64, np.zeros((size, size, 3)), frozen)
    assert f"fit {frozen[0]}. Looked for {looked_for}; it has {found}. Leave these layers out of --freeze" in str(raised.value)
    for one, other in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def behind(change):
    """A net behind layers of a user, which takes pixels."""
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, lively(small(f"{SMALL},input_scale=1", seed=7))(change(image)))


@pytest.mark.parametrize("given", ["constructor", "adapted", "one"])
def test_normalization_goes_into_the_first_kernel(images, given):
    colour, variance = ([120, 110, 100], [60**2, 50**2, 70**2]) if given != "one" else (110, 60**2)
    layer = keras.layers.Normalization(mean=colour, variance=variance)
    if given == "adapted":
        layer = keras.layers.Normalization()
        pair = np.sqrt(variance)
        layer.adapt(np.stack([colour - pair, colour + pair]).reshape(2, 1, 1, 3).astype("float32"))
    mean = np.broadcast_to(np.float32(colour), (SIZE, SIZE, 3))
    net = small(seed=8)
    start = behind(layer)
    assert Start.of_model(start, "start").give(net, 1 / 64, mean).mean_difference < 0.01
    assert_same_logits(start, net, images, mean)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda image: image / 127.5 - 1, "true_divide"),
        (lambda image: image[..., ::-1], "get_item"),
        (keras.layers.BatchNormalization(name="norm"), "norm"),
        (keras.layers.Normalization(axis=(1, 2, 3), name="each_pixel"), "each_pixel"),
        (keras.layers.Conv2D(3, 1, name="colours"), "colours"),
    ],
)
def test_pixels_that_are_changed_in_an_unknown_way(change, name):
    start = Start.of_model(behind(change), "mine.keras")
    with pytest.raises(ValueError, match=rf"mine.keras changes pixels by '{name}\w*' before conv1, .* Build the model with keras.layers"):
        start.give(small(), 1 / 64, np.zeros((SIZE, SIZE, 3)))


def test_layers_that_leave_pixels_as_they_are(images, mean):
    layers = keras.layers
    start = behind(keras.Sequential([layers.ZeroPadding2D(2), layers.Cropping2D(2), layers.RandomFlip(), layers.Dropout(0.5)]))
    net = small(seed=8)
    Start.of_model(start, "start").give(net, 1 / 64, 0 * mean)
    assert_same_logits(start, net, images, 0 * mean)


def test_nothing_fits():
    layers = keras.layers
    start = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="first"), layers.Flatten(), layers.Dense(5, name="fc6")])
    with pytest.raises(
        ValueError,
        match=r"No layer of mine.keras .* Looked for conv1 \(7 x 7 x 3 x 6, 6\), .* has first \(3 x 3 x 3 x 2, 2\), fc6 \(72 x 5, 5\)\. ",
    ):
        Start.of_model(start, "mine.keras").give(small(), 1, np.zeros((SIZE, SIZE, 3)))


def test_a_net_by_name_that_shares_no_layer():
    net = small()
    before = net.get_weights()
    # Its conv1 has other shapes.
    with pytest.raises(ValueError, match=r"No layer of keras:MobileNet") as raised:
        Start.open("keras:MobileNet?weights=none").give(net, 1 / 64, np.zeros((SIZE, SIZE, 3)))
    message = str(raised.value)
    looked_for = message.split("Looked for ")[1].split("; ")[0]
    assert [layer.split()[0] for layer in looked_for.split("), ")] == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]
    assert "has conv1 (3 x 3 x 3 x 32), conv1_bn (32, 32, 32, 32), " in message
    assert " more. Start from another model" in message
    assert len(message) < 1000
    for one, other in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_filters_beyond_the_radius_are_told(mean):
    start = Start.of_model(lively(small(f"{SMALL},first_stddev=0.1", mean_image=mean)), "start")
    given = start.give(small(), 1 / 64, mean)
    assert given.clipped["conv1"] == 6
    assert "rms_radius: 6 in conv1" in given.message()
    assert "rms_radius" not in given.message(frozen=given.taken)


def test_digest_of_a_file_and_of_a_name(tmp_path):
    model = tmp_path / "model.keras"
    small().save(model)
    digest = start_digest(str(model))
    assert Start.open(str(model), digest).weights.keys() >= {"conv1", "fc7"}
    with pytest.raises(
        ValueError, match=rf"was changed since the run began: .* is {digest}, but start_digest is 000.* parameters start and"
    ):
        Start.open(str(model), "0" * 64)
    with pytest.raises(ValueError, match=r"There is no model file .*none.keras; expected a .keras or .h5 file"):
        Start.open(str(tmp_path / "none.keras"), digest)
    weights = tmp_path / "weights.h5"
    digests = set()
    for content in (b"one", b"two"):
        weights.write_bytes(content)
        digests.add(start_digest(f"imgclsmob:zfnet?weights={weights}"))
    assert len({*digests, start_digest("imgclsmob:zfnet"), start_digest("keras:VGG16")}) == 4
