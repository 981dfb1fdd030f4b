import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet, build, strongest_activations

SEARCHED = ["conv1", "conv4", "fc6", "predictions"]


@pytest.fixture(scope="module")
def deconvnet():
    keras.utils.set_random_seed(5)
    return Deconvnet(build("zfnet-small", (96, 80, 3), 4))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(scale=50, size=(25, 96, 80, 3)).astype("float32")


def test_equals_sorting_everything(deconvnet, images):
    batches = [images[:7], images[7:16], images[16:]]
    found = strongest_activations(deconvnet, batches, SEARCHED, k=4)
    # In the same batches, since the last bits depend on how images are batched.
    parts = zip(*(deconvnet.activations(batch, SEARCHED) for batch in batches), strict=True)
    for layer, activations in zip(SEARCHED, map(np.concatenate, parts), strict=True):
        maxima = activations.max(axis=(1, 2)) if activations.ndim == 4 else activations
        # Of equals, the first image comes first.
        order = np.argsort(-maxima, axis=0, kind="stable")[:4].T
        np.testing.assert_array_equal(found[layer].examples, order)
        np.testing.assert_array_equal(found[layer].values, np.take_along_axis(maxima.T, order, 1))
        if activations.ndim == 4:
            for unit in range(0, activations.shape[-1], 17):
                single = activations[order[unit, 0], :, :, unit]
                assert tuple(found[layer].positions[unit, 0]) == np.unravel_index(single.argmax(), single.shape)
        else:
            assert found[layer].positions.shape == (activations.shape[-1], 4, 0)


def test_order_of_batches_does_not_matter(deconvnet, images):
    ids = np.arange(25)
    forward = strongest_activations(deconvnet, [(images[:7], ids[:7]), (images[7:], ids[7:])], SEARCHED, k=4)
    backward = strongest_activations(deconvnet, [(images[7:], ids[7:]), (images[:7], ids[:7])], SEARCHED, k=4)
    for layer in SEARCHED:
        for name in ("values", "examples", "positions"):
            np.testing.assert_array_equal(getattr(forward[layer], name), getattr(backward[layer], name))


def test_two_halves_merge_to_the_whole(deconvnet, images):
    whole = strongest_activations(deconvnet, [images[:0], images], ["conv2"], k=3)["conv2"]
    first = strongest_activations(deconvnet, [(images[:11], np.arange(11))], ["conv2"], k=3)["conv2"]
    second = strongest_activations(deconvnet, [(images[11:], np.arange(11, 25))], ["conv2"], k=3)["conv2"]
    for merged in (first.merge(second), second.merge(first)):
        np.testing.assert_array_equal(merged.examples, whole.examples)
        np.testing.assert_array_equal(merged.positions, whole.positions)


def test_fewer_images_than_asked_for(deconvnet, images):
    found = strongest_activations(deconvnet.model, [images[:2]], ["conv1"], k=3)["conv1"]
    assert np.all(found.values[:, 2] == -np.inf)
    assert np.all(found.examples[:, 2] == -1)
    assert np.all(found.positions[:, 2] == -1)
    assert np.all(found.examples[:, :2] >= 0)


def test_k_must_be_positive(deconvnet, images):
    with pytest.raises(ValueError, match="k is 0"):
        strongest_activations(deconvnet, [images], ["conv1"], k=0)


def test_merging_the_same_image_twice_is_refused(deconvnet, images):
    first, second = (strongest_activations(deconvnet, [part], ["conv2"], k=3)["conv2"] for part in (images[:3], images[3:6]))
    with pytest.raises(ValueError, match=r"Both hold the image with the id [012]"):
        first.merge(second)


def test_no_image_is_an_error(deconvnet, images):
    used_up = iter([images])
    list(used_up)
    for none in ([], [images[:0]], used_up):
        with pytest.raises(ValueError, match=r"no images to search.*an iterator that is used up"):
            strongest_activations(deconvnet, none, ["conv1"])


def test_a_notebook_shows_a_table(deconvnet, images):
    found = strongest_activations(deconvnet, [images[:3]], ["conv4", "predictions"], k=4)
    table, conv4 = found["conv4"]._repr_html_(), found["conv4"]
    assert f"The 4 strongest activations of {len(conv4.values)} units" in table
    row, column = conv4.positions[2, 1]
    assert f"<td>{conv4.values[2, 1]:.3g} (image {conv4.examples[2, 1]} at {row}, {column})</td>" in table
    assert table.count("<td></td>") == 12  # There are three images for four places.
    assert f"<tr><th>and {len(conv4.values) - 12} more</th></tr>" in table
    classes = found["predictions"]
    assert f"<td>{classes.values[3, 0]:.3g} (image {classes.examples[3, 0]})</td>" in classes._repr_html_()
