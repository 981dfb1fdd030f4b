import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet, build
from zfnet.model.deconvnet.receptive_field import cut_window


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(5)
    return build("zfnet-small", (96, 80, 3), 4)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(scale=50, size=(33, 96, 80, 3)).astype("float32")


@pytest.fixture(scope="module")
def recording(net, images):
    return Deconvnet(net).record(images)


def test_switches_are_where_the_maxima_are(recording):
    below, pooled = recording.activations("conv1").numpy(), recording.activations("pool1").numpy()
    switches = recording.switches("pool1")
    example, row, column, unit = np.indices(pooled.shape)
    np.testing.assert_array_equal(below[example, switches[..., 0], switches[..., 1], unit], pooled)
    # Each within its 3x3 window, which starts at twice the position.
    assert np.all((switches[..., 0] - 2 * row >= 0) & (switches[..., 0] - 2 * row < 3))
    assert np.all((switches[..., 1] - 2 * column >= 0) & (switches[..., 1] - 2 * column < 3))


def test_only_pools_have_switches(recording):
    with pytest.raises(ValueError, match="'conv2' has no switches; max pooling layers have: pool1, pool2, pool5"):
        recording.switches("conv2")


def test_shared_maxima_add():
    # One peak lies in all four overlapping windows of a 3x3/2 pool; their signals add there.
    pool = keras.layers.MaxPooling2D(3, strides=2, name="pool")
    model = keras.Sequential([keras.Input((5, 5, 1)), pool, keras.layers.Conv2D(1, 2, use_bias=False, name="conv")])
    model.layers[1].set_weights([np.array([1, 2, 3, 4], "float32").reshape(2, 2, 1, 1)])
    image = np.zeros((1, 5, 5, 1), "float32")
    image[0, 2, 2, 0] = 3
    projected = Deconvnet(model).project(image, "conv", 0)
    expected = np.zeros((1, 5, 5, 1), "float32")
    expected[0, 2, 2, 0] = 3 * (1 + 2 + 3 + 4) * (1 + 2 + 3 + 4)
    np.testing.assert_allclose(projected, expected)


def test_strongest_position_is_the_default(recording):
    maps = recording.activations("conv2").numpy()[..., 7]
    places = [np.unravel_index(single.argmax(), single.shape) for single in maps]
    np.testing.assert_array_equal(recording.project("conv2", 7), recording.project("conv2", 7, places))


def test_many_projections_of_chosen_examples_equal_single_ones(recording):
    units, examples = np.arange(40), np.arange(40) % 3 + 10
    together = recording.project("conv3", units, (1, 2), examples)
    for index in (0, 31, 32, 39):
        alone = recording.project("conv3", int(units[index]), (1, 2), [examples[index]])
        np.testing.assert_allclose(together[index], alone[0], atol=1e-6 * np.abs(alone).max() + 1e-12)


@pytest.mark.parametrize("position", [(0, 0), (2, 4), (9, 7)])
def test_patch_holds_all_of_the_projection(recording, position):
    whole = recording.project("conv2", 7, position, [4, 5])
    patches, corners = recording.project_patches("conv2", 7, position, [4, 5])
    assert patches.shape == (2, 27, 27, 3)
    assert corners.tolist() == [[8 * position[0] - 1, 8 * position[1] - 1]] * 2
    for patch, projection in zip(patches, whole, strict=True):
        np.testing.assert_array_equal(patch, cut_window(projection, corners[0], (27, 27)))
        assert np.abs(patch).sum() == pytest.approx(np.abs(projection).sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("conv9", 0), "no layer 'conv9' to look at. Did you mean conv"),
        (("conv3", 192), "no unit 192 in layer 'conv3'; it has units 0 to 191"),
        (("conv3", 0, (5, 0)), "no row 5 in layer 'conv3'; it has rows 0 to 4"),
        (("conv3", 0, (0, -1)), "no column -1"),
        (("conv3", 0, None, [33]), "no example 33"),
    ],
)
def test_what_is_not_there_is_named(recording, arguments, message):
    with pytest.raises(ValueError, match=message):
        recording.project(*arguments)


@pytest.mark.parametrize("layer", ["conv2", "conv5", "fc6"])
def test_no_projection_at_all(net, recording, layer):
    assert recording.project(layer, [], None, []).shape == (0, 96, 80, 3)
    patches, corners = recording.project_patches(layer, [], None, [])
    assert (len(patches), corners.shape) == (0, (0, 2))
    with pytest.raises(ValueError, match=r"images have shape \(0, 96, 80, 3\): there is none"):
        Deconvnet(net).project(np.zeros((0, 96, 80, 3), "float32"), layer, 3)


def test_several_units_of_one_image(recording):
    together = recording.project("conv2", [3, 7, 9], example=4)
    for unit, projection in zip([3, 7, 9], together, strict=True):
        np.testing.assert_allclose(projection, recording.project("conv2", unit, example=4)[0], atol=1e-6)


def test_switches_do_not_depend_on_how_many_images_are_recorded(net, images, recording):
    # Found in parts of 16, 4 and 1.
    alone = np.concatenate([Deconvnet(net).record(images[row : row + 1], ["pool1"]).switches("pool1") for row in (0, 15, 16, 31, 32)])
    np.testing.assert_array_equal(recording.switches("pool1")[[0, 15, 16, 31, 32]], alone)


def test_what_was_not_recorded_is_named(net, images):
    recording = Deconvnet(net).record(images[:1], ["conv2"])
    recording.project("conv1", 0)
    with pytest.raises(ValueError, match="'conv3' was not recorded; name it in"):
        recording.project("conv3", 0)


def test_a_notebook_shows_a_table(net, images, monkeypatch):
    recording = Deconvnet(net).record(images, ["conv4", "predictions"])
    maps, classes = recording.activations("conv4").numpy(), recording.activations("predictions").numpy()
    table = recording._repr_html_()
    image, row, column, unit = np.unravel_index(maps.argmax(), maps.shape)
    cells = "</td><td>".join([f"{maps.max():.3g}", str(image), str(unit), f"{row}, {column}"])
    assert "<caption>Recording of 33 images, 96 x 80 x 3</caption>" in table
    assert f"<th>conv4</th><td>{' x '.join(map(str, maps.shape[1:]))}</td><td>{cells}</td>" in table
    image, unit = np.unravel_index(classes.argmax(), classes.shape)
    assert f"<td>{classes.max():.3g}</td><td>{image}</td><td>{unit}</td><td></td>" in table
    assert [name for name in ("conv1", "pool5", "fc7", "nothing") if f"<th>{name}</th>" in table] == ["conv1", "pool5", "fc7"]
    monkeypatch.setattr("zfnet.model.deconvnet.recording.MOST_STORED", 0)
    table = Deconvnet(net).record(images, ["conv4"])._repr_html_()
    assert "conv5" not in table
    assert table.endswith(f"<tr><th>conv4</th><td>{' x '.join(map(str, maps.shape[1:]))}</td></tr></table>")
