import contextlib
import dataclasses
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet, build, project_strongest, strongest_activations
from zfnet.model.deconvnet.receptive_field import receptive_field
from zfnet.model.deconvnet.strongest import Strongest

PROJECTED = ["conv1", "conv2", "conv5", "fc6"]


@pytest.fixture(scope="module")
def deconvnet():
    keras.utils.set_random_seed(5)
    return Deconvnet(build("zfnet-small", (96, 80, 3), 4))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(scale=50, size=(25, 96, 80, 3)).astype("float32")


@pytest.fixture(scope="module")
def strongest(deconvnet, images):
    return strongest_activations(deconvnet, [images], PROJECTED, k=2)


def batches(images, ids):
    return [(images[:9], ids[:9]), (images[9:], ids[9:])]


def test_every_activation_is_projected_once_and_as_the_recording_does(deconvnet, images, strongest):
    seen = {layer: np.zeros(strongest[layer].values.shape, int) for layer in PROJECTED}
    for part in project_strongest(deconvnet, batches(images, np.arange(len(images))), strongest):
        np.add.at(seen[part.layer], (part.units, part.ranks), 1)
        unit, rank = part.units[0], part.ranks[0]
        found = strongest[part.layer]
        image = images[found.examples[unit, rank]]
        position = found.positions[unit, rank] if part.layer != "fc6" else None
        size = np.minimum(receptive_field(deconvnet, part.layer).size, image.shape[:2])
        assert part.patches.shape[1:] == part.projections.shape[1:] == (*size, 3)
        window = tuple(slice(start, start + length) for start, length in zip(part.corners[0], size, strict=True))
        expected = deconvnet.project(image[None], part.layer, unit, position)[0]
        np.testing.assert_allclose(part.projections[0], expected[window], atol=1e-5 * np.abs(expected).max())
        np.testing.assert_array_equal(part.patches[0], image[window])
    for layer in PROJECTED:
        assert np.all(seen[layer] == 1)


FIELDS = {"low": (5, 5), "middle": (15, 15), "top": (23, 20)}


@pytest.fixture(scope="module", params=["channels_last", "channels_first"])
def chain(request):
    """A net whose layer `top` sees more than the width of the image and less than its height."""
    keras.utils.set_random_seed(1)
    layers, sees = keras.layers, {"padding": "same", "data_format": request.param}
    shape = (3, 28, 20) if request.param == "channels_first" else (28, 20, 3)
    net = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(4, 5, strides=2, activation="relu", name="low", **sees),
            layers.MaxPooling2D(2, data_format=request.param),
            layers.Conv2D(5, 3, name="middle", **sees),
            layers.Conv2D(5, 3, name="top", **sees),
        ]
    )
    return Deconvnet(net)


@pytest.mark.parametrize("layer", FIELDS)
def test_windows_of_borders_and_corners_lie_in_the_image(chain, layer):
    first = chain.graph.channels_first
    images = np.random.default_rng(2).normal(size=(2, 28, 20, 3)).astype("float32")
    given = np.moveaxis(images, 3, 1) if first else images
    (maps,) = (np.asarray(value) for value in chain.activations(given, [layer]))
    maps = np.moveaxis(maps, 1, 3) if first else maps
    positions = np.array([(row, column) for row in range(maps.shape[1]) for column in range(maps.shape[2])])
    values = maps[1, positions[:, 0], positions[:, 1], 2][None]
    found = {layer: Strongest(values, np.ones_like(values, int), positions[None])}
    # Unit 2 is unit 0 of what was found of it alone.
    found[layer] = Strongest.none(5, len(positions), 2).replaced(np.array([2]), found[layer])
    (part,) = project_strongest(chain, [given], found, {layer: (np.full(len(positions), 2), np.arange(len(positions)))})
    assert np.any(values)
    size = FIELDS[layer]
    projections, patches = (np.moveaxis(each, 1, 3) if first else each for each in (part.projections, part.patches))
    assert projections.shape == patches.shape == (len(positions), *size, 3)
    corners = part.corners
    assert corners.min() >= 0
    assert (corners + size).max(axis=0).tolist() == [28, 20]
    field = receptive_field(chain, layer)
    for rank, position in enumerate(positions.tolist()):
        window = tuple(slice(start, start + length) for start, length in zip(corners[rank], size, strict=True))
        expected = chain.project(given[1:], layer, 2, position)[0]
        expected = np.moveaxis(expected, 0, 2) if first else expected
        # The activation itself, which may be small, is computed among other images here, and so rounded otherwise.
        np.testing.assert_allclose(projections[rank], expected[window], rtol=0, atol=1e-4 * np.abs(expected).max() + 1e-12)
        np.testing.assert_array_equal(patches[rank], images[1][window])
        # What the unit does not see is exactly 0.
        rows, columns = (
            (place < start) | (place >= start + length)
            for place, start, length in zip(
                (np.arange(part.start, part.stop) for part in window),
                np.array(position) * field.stride + field.offset,
                field.size,
                strict=True,
            )
        )
        assert not projections[rank][rows[:, None] | columns].any()


SECOND_PASSES = {
    "reversed": lambda images: [images[::-1]],
    "moved": lambda images: [np.roll(images, 1, axis=0)],
    "changed at random": lambda images: [images * np.random.default_rng(0).uniform(0.8, 1.2, (len(images), 1, 1, 1))],
    "shuffled": lambda images: tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=1).batch(8),
    "under other ids": lambda images: [(images, np.arange(len(images))[::-1])],
}


@pytest.mark.parametrize("second", SECOND_PASSES)
@pytest.mark.parametrize("layer", ["conv2", "fc6", "predictions"])
def test_a_second_pass_over_other_images_is_refused(deconvnet, images, layer, second):
    found = strongest_activations(deconvnet, [images], [layer], k=2)
    with pytest.raises(ValueError, match=f"Unit .* of layer '{layer}' has the activation .* where the search found .* shuffled"):
        list(project_strongest(deconvnet, SECOND_PASSES[second](images), found))


@pytest.mark.parametrize(("share", "is_refused"), [(5e-5, False), (5e-4, True)], ids=["rounding", "more"])
def test_a_weak_activation_may_differ_by_the_rounding_of_the_strongest(share, is_refused):
    net = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="conv")])
    deconvnet, images = Deconvnet(net), np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 1)) * [1, 1e-3]
    net.get_layer("conv").set_weights([kernel, np.zeros(2)])
    found = strongest_activations(deconvnet, [images], ["conv"], k=1)["conv"]
    # More than a thousandth of the weak one's own value.
    change = share * np.abs(net.predict(images, verbose=0)).max() * np.array([[0], [1]], np.float32)
    changed = {"conv": dataclasses.replace(found, values=found.values + change)}
    with pytest.raises(ValueError, match="Unit 1 of layer 'conv' has the activation") if is_refused else contextlib.nullcontext():
        assert sum(len(part.units) for part in project_strongest(deconvnet, [images], changed)) == 2


def test_a_second_pass_over_smaller_images_is_refused():
    deconvnet = Deconvnet(keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3, name="conv")]))
    images = np.random.default_rng(0).normal(size=(2, 20, 20, 3)).astype("float32")
    found = strongest_activations(deconvnet, [images], ["conv"], k=2)
    with pytest.raises(ValueError, match="yields other images than before"):
        list(project_strongest(deconvnet, [images[:, :9, :9]], found))


@pytest.mark.parametrize("second", [[], slice(0, 20)], ids=["used up", "shorter"])
def test_images_that_do_not_come_again_are_an_error(deconvnet, images, strongest, second):
    batches = iter([]) if second == [] else [images[second]]
    with pytest.raises(ValueError, match=r"\d+ of \d+ images to project did not come"):
        list(project_strongest(deconvnet, batches, strongest))


def test_the_same_order_in_other_batches_passes(deconvnet, images, strongest):
    data = tf.data.Dataset.from_tensor_slices(images).batch(3)
    assert sum(len(part.units) for part in project_strongest(deconvnet, data, strongest)) == sum(
        found.values.size for found in strongest.values()
    )


def test_weights_that_changed_in_between_are_told(images):
    net = build("zfnet-small", (96, 80, 3), 4, seed=2)
    found = strongest_activations(net, [images[:3]], ["conv2"], k=1)
    net.get_layer("conv1").kernel.assign(net.get_layer("conv1").kernel * 1.5)
    with pytest.raises(ValueError, match="or the model's weights have changed"):
        list(project_strongest(Deconvnet(net), [images[:3]], found))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_finds_its_activations_again(policy):
    layers = keras.layers
    image = keras.Input((24, 24, 3))
    low = layers.Conv2D(8, 3, activation="relu", dtype=policy)(image)
    net = keras.Model(image, layers.Conv2D(8, 5, activation="relu", name="top", dtype=policy)(layers.MaxPooling2D(dtype=policy)(low)))
    images = np.random.default_rng(0).uniform(size=(33, 24, 24, 3)).astype("float32")
    found = strongest_activations(net, [images], ["top"], k=5)
    assert sum(len(part.units) for part in project_strongest(Deconvnet(net), [images], found)) == 40


def test_ranks_that_were_not_found_are_an_error(deconvnet, images):
    found = strongest_activations(deconvnet, [images[:2]], ["conv1"], k=3)
    with pytest.raises(ValueError, match="were not found: the search was over fewer images"):
        list(project_strongest(deconvnet, [images[:2]], found, {"conv1": (np.array([0]), np.array([2]))}))


def test_ids_may_be_in_any_order(deconvnet, images):
    ids = np.random.default_rng(1).permutation(1000)[: len(images)]
    found = strongest_activations(deconvnet, batches(images, ids), ["conv1"], k=1)
    row = int(np.flatnonzero(ids == found["conv1"].examples[3, 0])[0])
    chosen = {"conv1": (np.array([3]), np.array([0]))}
    (part,) = project_strongest(deconvnet, batches(images, ids), found, chosen)
    (top, left), (height, width) = part.corners[0], part.patches.shape[1:3]
    np.testing.assert_array_equal(part.patches[0], images[row, top : top + height, left : left + width])
    expected = deconvnet.project(images[row : row + 1], "conv1", 3)[:, top : top + height, left : left + width]
    np.testing.assert_allclose(part.projections, expected, atol=1e-5 * np.abs(expected).max())


def test_of_nothing_nothing_is_projected(deconvnet, images, strongest):
    assert not list(project_strongest(deconvnet, [images], {}))
    assert not list(project_strongest(deconvnet, [images], strongest, {}))


def test_double_precision():
    image = keras.Input((14, 12, 3), dtype="float64")
    policy = keras.DTypePolicy("float64")
    low = keras.layers.Conv2D(4, 3, activation="relu", name="low", dtype=policy)(image)
    top = keras.layers.Conv2D(4, 3, strides=2, name="top", dtype=policy)(keras.layers.MaxPooling2D(dtype=policy)(low))
    deconvnet = Deconvnet(keras.Model(image, top))
    images = np.random.default_rng(0).normal(size=(3, 14, 12, 3))
    found = strongest_activations(deconvnet, [images], ["top"], k=1)
    (part,) = project_strongest(deconvnet, [images], found, {"top": (np.array([1]), np.array([0]))})
    expected, _ = deconvnet.project_patches(images[found["top"].examples[1]], "top", 1)
    assert (part.projections.dtype, expected.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(part.projections, expected, atol=1e-6 * np.abs(expected).max())


def test_who_stops_early_leaves_no_thread_behind_and_reads_no_further(deconvnet, images, strongest):
    read = []

    def counted():
        for number, image in enumerate(images):
            read.append(number)
            yield image[None], np.array([number])

    before = threading.active_count()
    parts = project_strongest(deconvnet, counted(), strongest)
    next(parts)
    parts.close()
    assert threading.active_count() == before
    assert len(read) < len(images)
