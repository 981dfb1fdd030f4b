import pathlib

import numpy as np
import pytest

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops

BENCHMARKS = pathlib.Path(__file__).resolve().parents[3] / "benchmarks"
SIZE = 56


@pytest.fixture(scope="module")
def examples(folder, tmp_path_factory):
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples

    made = Examples(tmp_path_factory.mktemp("examples"))
    source = open_source(str(folder), tmp_path_factory.mktemp("tfds"))
    generate_examples(made, source=source, image_size=SIZE, num_shards=2, max_rejected=0.0, runner="FnApiRunner", beam_options=())
    return made


@pytest.mark.parametrize("peer", ["keras_folder", "tfds_decoded", "tfds_crop_decoded"])
def test_peers_crop_the_same_images_at_random(examples, tmp_path, monkeypatch, peer):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from input import write_files
    from peers import input_in_tensorflow as peers

    stored, side = np.concatenate([images for images, _, _ in central_crops(examples, "train", size=64, batch_size=9)]), examples.side
    encoded = write_files(examples, tmp_path)
    assert len(encoded) == len(stored) == examples.count("train")
    batches = {
        "keras_folder": lambda: peers.keras_folder(str(tmp_path), side, SIZE, 8),
        "tfds_decoded": lambda: peers.tfds_decoded(str(examples.path), SIZE, 8),
        "tfds_crop_decoded": lambda: peers.tfds_crop_decoded(str(examples.path), side, SIZE, 8),
    }[peer]()
    places = set()
    for images, labels in batches.take(4):
        assert images.shape == (8, SIZE, SIZE, 3)
        assert labels.shape == (8,)
        places |= {_find(image, stored - peers.MEAN) for image in images.numpy()}
    assert {flipped for _, _, flipped in places} == {False, True}
    assert len({place[:2] for place in places}) > 2


def _find(image, stored):
    """Top, left, and whether mirrored: where the image is a crop of a stored one; decoders of JPEG differ by a level or two."""
    windows = np.lib.stride_tricks.sliding_window_view(stored, (SIZE, SIZE), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    distances = np.stack([np.abs(windows - one).mean((3, 4, 5)) for one in (image, image[:, ::-1])])
    assert distances.min() < 2
    flipped, _, top, left = np.unravel_index(distances.argmin(), distances.shape)
    return int(top), int(left), bool(flipped)
