import pickle

import apache_beam as beam
import keras
import numpy as np
import pytest
from apache_beam.testing.util import assert_that

from zfnet.components.data.beam.pipeline import LOCAL_RUNNER, open_pipeline
from zfnet.components.search.find_strongest import FindStrongest, MergeStrongest, SearchBatches
from zfnet.model import build, strongest_activations

LAYERS = ["conv1", "conv5", "fc6"]


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(5)
    return build("zfnet-small", (96, 80, 3), 4)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(scale=50, size=(37, 96, 80, 3)).astype("float32")


def check_equal(found, expected):
    assert found.keys() == expected.keys()
    for layer in expected:
        np.testing.assert_array_equal(found[layer].examples, expected[layer].examples)
        np.testing.assert_array_equal(found[layer].positions, expected[layer].positions)
        # The last bits depend on how images are batched.
        np.testing.assert_allclose(found[layer].values, expected[layer].values, rtol=1e-4)


def test_beam_finds_what_one_process_finds(net, images, tmp_path):
    net.save(tmp_path / "net.keras")
    expected = strongest_activations(net, [(images, np.arange(37) * 3)], LAYERS, k=3)

    def check(results):
        (found,) = results
        check_equal(found, expected)

    with open_pipeline(LOCAL_RUNNER) as pipeline:
        elements = pipeline | beam.Create([(3 * number, image) for number, image in enumerate(images)]) | beam.Reshuffle()
        assert_that(elements | FindStrongest(tmp_path / "net.keras", LAYERS, k=3), check)


def test_parts_merge_to_the_whole_in_any_order(net, images):
    combine = MergeStrongest()
    parts = [strongest_activations(net, [(images[rows], rows)], LAYERS, k=3) for rows in np.array_split(np.arange(37), 4)]
    # As Beam carries them between workers.
    parts = pickle.loads(pickle.dumps(parts))
    left = combine.add_input(combine.add_input(combine.create_accumulator(), parts[3]), parts[1])
    right = combine.merge_accumulators([combine.add_input(combine.create_accumulator(), part) for part in (parts[0], parts[2])])
    found = combine.extract_output(combine.merge_accumulators([combine.create_accumulator(), left, right]))
    check_equal(found, strongest_activations(net, [images], LAYERS, k=3))


def test_search_loads_its_model_in_setup(net, images, tmp_path):
    net.save(tmp_path / "net.keras")
    # A worker gets the function before it has TensorFlow.
    search = pickle.loads(pickle.dumps(SearchBatches(str(tmp_path / "net.keras"), ["conv1"], 1)))
    search.setup()
    (found,) = search.process([(7, images[0])])
    assert np.all(found["conv1"].examples == 7)
