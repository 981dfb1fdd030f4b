import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet
from zfnet.model.measures.occlusion import NoActiveMapError, cover_boxes, occlusion, square_starts

HEIGHT, WIDTH = 12, 18
PIXEL = 3, 11  # What the second map, and the second class, look at.


def net(channels_first=False, softmax=True):
    """Map 0 is dead; map 1 is the brightness of each pixel; the second class is that of one pixel."""
    shape = (3, HEIGHT, WIDTH) if channels_first else (HEIGHT, WIDTH, 3)
    layout = "channels_first" if channels_first else "channels_last"
    inputs = keras.Input(shape)
    maps = keras.layers.Conv2D(2, 1, activation="relu", data_format=layout, name="conv1")(inputs)
    flat = keras.layers.Flatten(data_format=layout, name="flatten")(maps)
    outputs = keras.layers.Dense(2, activation="softmax" if softmax else None, name="classes")(flat)
    model = keras.Model(inputs, outputs)
    model.get_layer("conv1").set_weights([np.array([[[[0, 1.0]] * 3]]) / 3, np.array([-1.0, 0])])
    kernel = np.zeros((HEIGHT, WIDTH, 2, 2))
    kernel[*PIXEL, 1, 1] = 1
    model.get_layer("classes").set_weights([kernel.reshape(-1, 2), np.array([2.0, 0])])
    return Deconvnet(model)


@pytest.fixture
def image():
    return np.random.default_rng(0).uniform(1, 4, (HEIGHT, WIDTH, 3)).astype(np.float32)


def test_squares_reach_from_border_to_border():
    assert square_starts(10, 4, 4).tolist() == [0, 3, 6]
    assert square_starts(10, 4, 100).tolist() == [0, 6]
    assert square_starts(4, 4, 1).tolist() == [0]
    starts = square_starts(96, 21, 3)
    assert (starts[0], starts[-1]) == (0, 75)
    assert np.diff(starts).max() <= 3


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_activation_falls_by_what_the_square_covers(image, batch_size):
    found = occlusion(net(), image, np.zeros(3), "conv1", square=5, stride=2, batch_size=batch_size)
    assert found.unit == 1
    assert found.totals.shape == (len(found.tops), len(found.lefts))
    brightness = image.astype(np.float64).mean(axis=2)
    assert found.total == pytest.approx(brightness.sum(), rel=1e-6)
    for row, top in enumerate(found.tops):
        for column, left in enumerate(found.lefts):
            hidden = brightness[top : top + 5, left : left + 5].sum()
            assert found.totals[row, column] == pytest.approx(brightness.sum() - hidden, rel=1e-6)


@pytest.mark.parametrize("softmax", [True, False])
def test_the_answer_changes_exactly_where_the_pixel_is_covered_that_it_rests_on(image, softmax):
    found = occlusion(net(softmax=softmax), image, np.zeros(3), "conv1", square=4, stride=1)
    value = image[PIXEL].mean()
    seen, hidden = np.exp(value) / (np.exp(value) + np.exp(2)), 1 / (1 + np.exp(2))
    assert found.uncovered[1] == pytest.approx(seen, rel=1e-5)
    rows = (found.tops <= PIXEL[0]) & (found.tops + 4 > PIXEL[0])
    columns = (found.lefts <= PIXEL[1]) & (found.lefts + 4 > PIXEL[1])
    expected = np.where(rows[:, None] & columns, hidden, seen)
    assert (expected == hidden).sum() == 16
    np.testing.assert_allclose(found.probabilities[..., 1], expected, rtol=1e-5)


def test_channels_first_gives_the_same(image):
    fill = np.random.default_rng(1).uniform(0, 2, (HEIGHT, WIDTH, 3)).astype(np.float32)
    last = occlusion(net(), image, fill, "conv1", square=3, stride=4)
    first = occlusion(net(channels_first=True), image.transpose(2, 0, 1), fill.transpose(2, 0, 1), "conv1", square=3, stride=4)
    np.testing.assert_allclose(first.totals, last.totals, rtol=1e-6)
    assert first.totals.shape == last.totals.shape


def test_a_model_without_classes_has_activations_alone(image):
    layer = keras.layers.Conv2D(2, 3, activation="relu", kernel_initializer="ones", name="conv1")
    model = keras.Sequential([keras.Input((HEIGHT, WIDTH, 3)), layer])
    found = occlusion(Deconvnet(model), image, np.zeros(3), "conv1", square=4, stride=4)
    assert found.probabilities is None
    assert found.uncovered is None


def test_what_cannot_be_is_refused(image):
    with pytest.raises(ValueError, match="expected a side of 1 to 12"):
        occlusion(net(), image, np.zeros(3), "conv1", square=13, stride=1)
    with pytest.raises(ValueError, match="stride of at least 1"):
        occlusion(net(), image, np.zeros(3), "conv1", square=3, stride=0)
    with pytest.raises(NoActiveMapError, match="No map of layer 'conv1' is active"):
        occlusion(net(), image * 0, np.zeros(3), "conv1", square=3, stride=3)
    broken = net()
    broken.model.get_layer("conv1").kernel.assign(np.full((1, 1, 3, 2), np.nan))
    with pytest.raises(ValueError, match="Layer 'conv1' has weights that are not finite"):
        occlusion(broken, image, np.zeros(3), "conv1", square=3, stride=3)
    broken = net()
    broken.model.get_layer("classes").bias.assign([0, np.nan])
    with pytest.raises(ValueError, match="Layer 'classes' has weights that are not finite"):
        occlusion(broken, image, np.zeros(3), "conv1", square=3, stride=3)
    huge = net()
    huge.model.get_layer("conv1").kernel.assign(np.full((1, 1, 3, 2), 3e38))
    with pytest.raises(ValueError, match="Layer 'conv1' has activations that are not finite"):
        occlusion(huge, image, np.zeros(3), "conv1", square=3, stride=3)


def test_boxes_of_images_that_are_not_square():
    images = np.random.default_rng(0).uniform(0, 255, (2, 6, 9, 3)).astype(np.float32)
    boxes = np.array([[1, 2, 4, 3], [0, 0, 9, 1]])
    expected = images.copy()
    expected[0, 2:5, 1:5], expected[1, 0:1, 0:9] = (10, 20, 30), (10, 20, 30)
    fill = np.array([10, 20, 30])
    np.testing.assert_array_equal(cover_boxes(images, boxes, fill), expected)
    first = cover_boxes(images.transpose(0, 3, 1, 2), boxes, fill[:, None, None], channels_first=True)
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), expected)
    mean = np.arange(6 * 9 * 3).reshape(6, 9, 3)
    np.testing.assert_array_equal(cover_boxes(images, boxes, mean)[0, 2:5, 1:5], mean[2:5, 1:5])
