import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.data.batches import central_crops
from zfnet.components.figures.evolution.column import chosen_maps, evolution_epochs, searched, watched_epochs
from zfnet.components.figures.evolution.draw import MARGIN, TILES, draw_evolution, drawn_columns
from zfnet.components.pictures.sheet import block, sheet
from zfnet.components.training.callbacks.evolution import COLUMNS, MAPS, TILE, WATCHED, FeatureEvolution, read_evolution, strongest_examples
from zfnet.components.training.callbacks.watched_images import CentredExamples
from zfnet.components.training.checkpoints import VARIABLES, read_variables
from zfnet.model import Deconvnet, build, receptive_field

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]


@pytest.fixture
def evolution_of(examples, statistics, tmp_path):
    """Makes the evolution of a net on the training examples, written to `kept` and `log`."""

    def make(net, folder=None, seed=0):
        images = CentredExamples(examples, statistics.mean_image()[4:60, 4:60])
        writer = tf.summary.create_file_writer(str(tmp_path / "log"))
        return FeatureEvolution(Deconvnet(net), LAYERS, images, MAPS, seed, folder or tmp_path / "kept", writer)

    return make


def look(evolution, epoch, shown):
    evolution.project(epoch, evolution.search(evolution.images.count), shown)


@pytest.mark.parametrize(
    ("epochs", "looked_at"),
    [(3, [1, 2, 3]), (9, list(range(1, 10))), (10, [1, 2, 5, 10]), (25, [1, 2, 5, 10, 20, 25]), (70, [1, 2, 5, 10, 20, 30, 40, 64, 70])],
)
def test_epochs_are_the_papers_and_the_last_or_all_of_a_short_run(epochs, looked_at):
    assert sorted(evolution_epochs(epochs)) == looked_at


def test_slider_has_more_steps_than_the_figure_has_columns():
    assert sorted(watched_epochs(3)) == [0, 1, 2, 3]
    assert sorted(watched_epochs(10)) == list(range(11))
    assert sorted(watched_epochs(70)) == [*range(11), 20, 30, 40, 64, 70]


@pytest.mark.parametrize(("examples", "looked_through"), [(17, 600), (3750, 600), (9469, 946), (1_281_167, 50_000)])
def test_a_look_searches_a_tenth_between_two_bounds(examples, looked_through):
    assert searched(examples) == looked_through


def test_a_large_data_set_is_searched_in_part_and_its_examples_keep_their_numbers(
    examples, statistics, evolution_of, tmp_path, monkeypatch
):
    monkeypatch.setattr("zfnet.components.figures.evolution.column.FEWEST_SEARCHED", 9)
    mean, net = statistics.mean_image()[4:60, 4:60], build("zfnet-small", (56, 56, 3), 3, seed=1)
    evolution = evolution_of(net)
    assert evolution.images.count == 9 < examples.count("train") < 100
    look(evolution, 1, shown=False)
    images = np.concatenate([images for images, _, _ in central_crops(examples, "train", size=56, batch_size=9)])[:9]
    for layer, activations in zip(LAYERS, Deconvnet(net).activations(images - mean, LAYERS), strict=True):
        np.testing.assert_array_equal(strongest_examples(tmp_path / "kept", 1)[layer], activations.numpy().max(axis=(1, 2)).argmax(axis=0))


def test_epochs_that_the_figure_does_not_show_keep_no_columns(evolution_of, tmp_path):
    evolution = evolution_of(build("zfnet-small", (56, 56, 3), 3, seed=1))
    look(evolution, 1, shown=False)
    look(evolution, 2, shown=True)
    assert [evolution.has_looked([epoch]) for epoch in (0, 1, 2)] == [False, True, True]
    assert [evolution.has_column(epoch) for epoch in (0, 1, 2)] == [False, False, True]
    columns = read_evolution(tmp_path / "kept", {1, 2})
    assert {title: {name: len(column.maps) for name, column in layers.items()} for title, layers in columns.items()} == {
        "epoch 2": dict.fromkeys(LAYERS, WATCHED * MAPS)
    }
    for layer, strongest in strongest_examples(tmp_path / "kept", 1).items():
        np.testing.assert_array_equal(strongest, strongest_examples(tmp_path / "kept", 2)[layer])
    # TensorBoard shows the same maps of the same net at both steps.
    pictures = shown_pictures(tmp_path / "log", "evolution/conv3")
    assert np.abs(pictures[1].astype(int) - pictures[2]).max() <= 2
    evolution.remove_after(1)
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["epoch-0001.npz"]


def test_projections_of_other_layers_are_refused(evolution_of):
    evolution = evolution_of(build("zfnet-small", (56, 56, 3), 3, seed=1))
    look(evolution, 1, shown=False)
    evolution.check_layers(1)
    other = dataclasses.replace(evolution, layers=["conv2"])
    other.check_layers(0)
    with pytest.raises(ValueError, match="holds projections of conv1, conv2, conv3, conv4, conv5; give these layers, or another log_dir"):
        other.check_layers(1)


def test_first_look_is_at_the_net_before_it_trained(training, examples, statistics):
    mean = statistics.mean_image()[4:60, 4:60]
    recipe = json.loads((training / "model" / "recipe.json").read_text())
    net = build("zfnet-small", (56, 56, 3), 3, seed=recipe["seed"] + 1)
    images = np.concatenate([images for images, _, _ in central_crops(examples, "train", size=56, batch_size=9)])
    with np.load(training / "checkpoints" / "evolution" / "epoch-0000.npz") as kept:
        for layer, activations in zip(LAYERS, Deconvnet(net).activations(images - mean, LAYERS), strict=True):
            expected = activations.numpy().max(axis=(0, 1, 2))[kept[f"{layer}/maps"]]
            np.testing.assert_allclose(kept[f"{layer}/activations"], expected, rtol=1e-4)


def test_last_epoch_shows_the_strongest_activation_over_the_training_examples(training, examples, statistics):
    mean = statistics.mean_image()[4:60, 4:60]
    net = build("zfnet-small", (56, 56, 3), 3)
    read_variables(training / "checkpoints" / "epoch-0003" / VARIABLES, net.weights)
    images = np.concatenate([images for images, _, _ in central_crops(examples, "train", size=56, batch_size=9)])
    with np.load(training / "checkpoints" / "evolution" / "epoch-0003.npz") as kept:
        for layer, activations in zip(LAYERS, Deconvnet(net).activations(images - mean, LAYERS), strict=True):
            maps = kept[f"{layer}/maps"]
            assert len(maps) == WATCHED * MAPS
            np.testing.assert_allclose(kept[f"{layer}/activations"], activations.numpy().max(axis=(0, 1, 2))[maps], rtol=1e-4)
            assert kept[f"{layer}/projections"].shape == kept[f"{layer}/patches"].shape
            # Of the image in which the map is strongest, the window that is projected to, moved into it where it leaves it.
            found = activations.numpy()[..., maps[0]]
            example, *position = np.unravel_index(found.argmax(), found.shape)
            patch = kept[f"{layer}/patches"][0]
            field = receptive_field(net, layer)
            row, column = np.clip(np.array(position) * field.stride + field.offset, 0, 56 - len(patch))
            assert kept[f"{layer}/corners"][0].tolist() == [row, column]
            expected = images[example][row : row + len(patch), column : column + len(patch)]
            np.testing.assert_allclose(patch.astype(int), expected, atol=1)


def test_tensorboard_shows_the_same_six_maps_at_every_step(training):
    """Six of those that are watched, so that the figure can draw others, and the slider does not jump from map to map."""
    with np.load(training / "checkpoints" / "evolution" / "epoch-0002.npz") as kept:
        for layer in ("conv2", "conv3"):
            shown = chosen_maps(len(kept[f"{layer}/strongest"]), MAPS, 0).tolist()
            tiles = dict(zip(kept[f"{layer}/maps"].tolist(), kept[f"{layer}/projections"], strict=True))
            assert set(shown) < set(tiles)
            pictures = shown_pictures(training / "tensorboard" / "train", f"evolution/{layer}")
            assert sorted(pictures) == [0, 1, 2, 3]
            expected = sheet([block([tiles[unit]], 1, TILE) for unit in shown], [f"map {unit}" for unit in shown], COLUMNS)
            # The headings and the first row of projections.
            np.testing.assert_array_equal(pictures[2][: TILE - 8], expected[: TILE - 8])


def shown_pictures(folder, tag):
    shown = {}
    for file in folder.iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                if value.tag == tag:
                    shown[event.step] = tf.io.decode_png(value.tensor.string_val[2]).numpy()
    return shown


def test_figure_has_a_row_a_map_and_a_column_an_epoch_in_each_half(training):
    columns = drawn_columns(read_evolution(training / "checkpoints" / "evolution", {0, 1, 2, 3, 7}), ["one"] * 1000, MAPS)
    assert list(columns) == ["untrained", "epoch 1", "epoch 2", "epoch 3"]
    pictures = draw_evolution(columns, {}, ["id"] * 1000).pictures
    assert sorted(pictures) == [f"evolution_{layer}" for layer in LAYERS]
    height, width = pictures["evolution_conv3"].shape[:2]
    assert MAPS * 1.5 * TILES[0] < height < (MAPS + 1) * 1.7 * TILES[0]
    assert 9 * TILES[0] < width - MARGIN < 10 * TILES[0]


def test_the_last_places_are_looked_at_with_the_filters_of_each_epoch(training, examples, statistics, evolution_of):
    folder = training / "checkpoints" / "evolution"
    recipe = json.loads((training / "model" / "recipe.json").read_text())
    net = build("zfnet-small", (56, 56, 3), 3, seed=recipe["seed"] + 1)
    untrained = net.get_weights()
    mean = statistics.mean_image()[4:60, 4:60]
    evolution = evolution_of(net, folder, recipe["seed"])
    columns = read_evolution(folder, {0, 1, 2, 3})
    places = evolution.last_places({0, 3, 7}, columns)
    assert list(places) == ["untrained", "epoch 3"]
    # The net, which is not trained, has its weights again.
    for one, other in zip(untrained, net.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    images = np.concatenate([images for images, _, _ in central_crops(examples, "train", size=56, batch_size=9)])
    for layer, activations in zip(LAYERS, Deconvnet(net).activations(images - mean, LAYERS), strict=True):
        end = columns["epoch 3"][layer]
        expected = activations.numpy()[end.examples, end.positions[:, 0], end.positions[:, 1], end.maps]
        np.testing.assert_allclose(places["untrained"][layer].activations, expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(places["epoch 3"][layer].activations, end.activations, rtol=1e-4)
        assert np.abs(places["epoch 3"][layer].projections.astype(int) - end.projections).max() <= 2
    assert evolution.last_places({0}, {}) == {}
