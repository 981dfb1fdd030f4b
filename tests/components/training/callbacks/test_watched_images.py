import keras
import numpy as np
import pytest

from zfnet.components.data.batches import central_crops
from zfnet.components.training.callbacks.watched_images import CentredExamples, KeptImages
from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest

RANDOM = np.random.default_rng(0)


def net(shape=(6, 5, 3), data_format="channels_last"):
    return keras.Sequential([keras.Input(shape), keras.layers.Conv2D(2, 3, data_format=data_format)], name="small")


def part(patches, corners=((0, 0),)):
    one = np.zeros(len(patches), int)
    return ProjectedStrongest("layer", one, one, np.zeros_like(patches), patches, np.array(corners))


@pytest.mark.parametrize(
    ("pixels", "values", "rgb"),
    [
        (RANDOM.integers(0, 9, (4, 6, 5, 3), np.uint8), [0, 9], [0, 9]),
        (RANDOM.uniform(0, 1, (4, 6, 5, 3)), [0, 0.2, 1], [0, 51, 255]),
        (RANDOM.uniform(-1, 1, (4, 6, 5, 3)), [-1, 0, 1], [0, 127.5, 255]),
        (RANDOM.uniform(0, 200, (4, 6, 5, 3)), [0, 200], [0, 200]),
        (np.linspace(-50, 150, 360).reshape(4, 6, 5, 3), [-50, 50, 150], [0, 127.5, 255]),
    ],
    ids=["integers", "0..1", "-1..1", "0..255", "other"],
)
def test_pictures_show_the_values_that_the_model_takes(tmp_path, pixels, values, rgb):
    kept = KeptImages.of(pixels, net(), tmp_path / "images.npy")
    shown = kept.to_rgb(part(np.array(values, np.float32).reshape(1, -1, 1, 1))).patches
    np.testing.assert_allclose(shown.ravel(), rgb, atol=1e-4)


def test_images_come_again_by_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("zfnet.components.training.callbacks.watched_images.model_batch_size", lambda _: 4)
    pixels = RANDOM.integers(0, 256, (10, 6, 5, 3), np.uint8)
    kept = KeptImages.of(pixels, net(), tmp_path / "images.npy")
    assert kept.count == 10
    assert [ids.tolist() for _, ids in kept.batches(None, 6)] == [[0, 1, 2, 3], [4, 5]]
    for images, ids in kept.batches({9, 2, 5, 0, 7}, 10):
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images, pixels[ids])
    assert list(kept.batches(set(), 10)) == []
    assert kept.origins()[1][9] == "9"


def test_channels_may_come_first(tmp_path):
    kept = KeptImages.of(RANDOM.uniform(0, 1, (4, 3, 6, 5)), net((3, 6, 5), "channels_first"), tmp_path / "images.npy")
    assert kept.image_input == (6, 5, True)


def test_a_data_set_is_read_once_and_then_comes_from_the_file(tmp_path):
    class Once(keras.utils.PyDataset):
        num_batches = 1

        def __getitem__(self, index):
            return RANDOM.uniform(0, 1, (4, 6, 5, 3))

    first = KeptImages.of(Once(), net(), tmp_path / "images.npy")
    again = KeptImages.of(Once(), net(), tmp_path / "images.npy")
    np.testing.assert_array_equal(first.pixels, again.pixels)


def test_another_array_is_refused(tmp_path):
    pixels = RANDOM.uniform(0, 1, (4, 6, 5, 3))
    KeptImages.of(pixels, net(), tmp_path / "images.npy")
    KeptImages.of(pixels, net(), tmp_path / "images.npy")
    with pytest.raises(ValueError, match="belongs to a training that was watched on other images; give another log_dir"):
        KeptImages.of(pixels / 2, net(), tmp_path / "images.npy")


def test_another_shape_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"The images have the shape \(6, 6, 3\); the model 'small' takes \(6, 5, 3\)"):
        KeptImages.of(
            np.zeros((4, 6, 6, 3)),
            keras.Sequential([keras.Input((6, 5, 3)), keras.layers.Conv2D(2, 3)], name="small"),
            tmp_path / "none.npy",
        )
    with pytest.raises(ValueError, match="expected one input, images of three channels or one"):
        KeptImages.of(np.zeros((4, 6, 6, 2)), net((6, 6, 2)), tmp_path / "none.npy")
    # A model may leave the size open.
    assert KeptImages.of(np.zeros((4, 6, 6, 3)), net((None, None, 3)), tmp_path / "images.npy").image_input == (6, 6, False)


def test_below_a_patch_of_the_border_examples_have_the_mean_there(examples, statistics):
    mean = statistics.mean_image()[4:60, 4:60]
    watched = CentredExamples(examples, mean)
    images = np.concatenate([images for images, _, _ in central_crops(examples, "train", size=56, batch_size=9)])
    assert watched.count == len(images)
    (centred, ids), *_ = watched.batches({3, 5}, watched.count)
    assert ids.tolist() == [3, 5]
    np.testing.assert_array_equal(centred, images[[3, 5]] - mean)
    patches = watched.to_rgb(part(centred[:, -9:, -7:], [(47, 49), (47, 49)])).patches
    np.testing.assert_allclose(patches, images[[3, 5], -9:, -7:], atol=1e-4)
