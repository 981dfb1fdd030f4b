import json

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery import GalleryModel, draw_gallery
from zfnet.components.figures.gallery.gallery_tiles import TILES
from zfnet.components.figures.given_images import image_set
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.pictures.projected_activation import signed_scale, signed_to_rgb
from zfnet.components.pictures.projection_checks import MARKED
from zfnet.components.pictures.sheet import GAP, HEADING, TITLE, resize_tile
from zfnet.model import Deconvnet, receptive_field
from zfnet.model.measures.projection_check import check_projection
from zfnet.model.measures.shuffled_weights import check_layers

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]


@pytest.fixture(scope="module")
def figures(search_of, model, tmp_path_factory):
    root = tmp_path_factory.mktemp("gallery")
    search = search_of(Deconvnet(load_model_file(model.path / "model.keras")))
    draw_gallery(GalleryModel(search), LAYERS, maps=4, seed=0).save(root)
    return root


@pytest.fixture(scope="module")
def images(examples):
    return np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])


def test_numbers_are_the_strongest_activations(figures, examples, model, images):
    numbers = json.loads((figures / "gallery.json").read_text())
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    ids = read_origins(examples, "validation").ids
    for layer in LAYERS:
        maxima = deconvnet.activations(images, [layer])[0].numpy().max(axis=(1, 2))
        dead = np.flatnonzero(maxima.max(0) <= 0)
        assert numbers[layer]["dead_maps"] == dead.tolist()
        assert len(numbers[layer]["maps"]) == min(4, maxima.shape[1] - len(dead))
        for unit, found in numbers[layer]["maps"].items():
            expected = [value for value in sorted(maxima[:, int(unit)], reverse=True)[:9] if value > 0]
            np.testing.assert_allclose([each["activation"] for each in found], expected, rtol=1e-4)
            np.testing.assert_allclose(maxima[ids.index(found[0]["example"]), int(unit)], expected[0], rtol=1e-4)


def test_tiles_show_what_the_numbers_say(figures, examples, model, images):
    numbers = json.loads((figures / "gallery.json").read_text())["conv2"]
    picture = np.asarray(Image.open(figures / "gallery_conv2.png"))
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    ids = read_origins(examples, "validation").ids
    found = next(iter(numbers["maps"].values()))[4]  # In the middle of the first block.
    unit = int(next(iter(numbers["maps"])))
    image = images[ids.index(found["example"])]
    window = tuple(slice(start, start + length) for start, length in zip(found["corner"], numbers["window"], strict=True))
    projection = deconvnet.project(image[None], "conv2", unit, found["position"])[0][window]
    assert projection.shape[:2] == receptive_field(deconvnet, "conv2").size
    np.testing.assert_allclose(found["scale"], signed_scale(projection[None])[0], rtol=1e-4)
    side = TILES[0]
    left, top = 6 * GAP + side + GAP, 6 * GAP + HEADING + side + GAP
    shown = picture[top : top + side, left : left + side].astype(int)
    np.testing.assert_allclose(shown, resize_tile(signed_to_rgb(projection[None])[0], side).astype(int), atol=2)
    left += 3 * (side + GAP) + GAP  # The patch is the same window of the photograph.
    shown = picture[top : top + side, left : left + side].astype(int)
    patch = np.rint(image[window]).astype(np.uint8)
    np.testing.assert_allclose(shown, resize_tile(patch, side).astype(int), atol=2)


@pytest.fixture(scope="module")
def wide_net():
    """A net of an input that is not square, with a layer that never fires, one that sees everything, and classes."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((40, 56, 3)),
            layers.Conv2D(6, 5, strides=2, padding="same", activation="relu", name="conv1"),
            layers.Conv2D(5, 1, activation="relu", bias_initializer=keras.initializers.Constant(-1e6), name="dead"),
            layers.Flatten(),
            layers.Dense(3, bias_initializer="ones", activation="softmax", name="classes"),
        ]
    )
    return Deconvnet(net)


def test_classes_dead_layers_and_images_that_are_not_square(wide_net, search_of, images, bars):
    model = GalleryModel(search_of(wide_net), labels=["a", "b", "c"])
    figure = draw_gallery(model, ["conv1", "dead", "classes"], maps=99, seed=0)
    assert [(bar.title, len(bar.items) == bar.total) for bar in bars] == [("Searching", True), ("Projecting", True)]
    assert list(figure.pictures) == ["gallery_conv1", "gallery_classes"]
    numbers = json.loads(json.dumps(figure.numbers))
    assert numbers["dead"] == {"dead_maps": [0, 1, 2, 3, 4], "window": None, "maps": {}, "auc_error": 0.0, "answers": {}}
    assert numbers["conv1"]["window"] == [5, 5]
    assert numbers["classes"]["window"] == [40, 56]
    assert len(numbers["classes"]["maps"]) == 3
    found = numbers["classes"]["maps"]["1"][0]
    assert (found["position"], found["corner"], found["activation"]) == ([], [0, 0], 1)
    unit, conv1 = next(iter(numbers["conv1"]["maps"].items()))
    maxima = wide_net.activations(images[:, 8:48], ["conv1"])[0].numpy()[..., int(unit)].max()
    np.testing.assert_allclose(conv1[0]["activation"], maxima, rtol=1e-4)


def test_nothing_to_draw_at_all(wide_net, search_of, tmp_path):
    figure = draw_gallery(GalleryModel(search_of(wide_net)), ["dead"], maps=2, seed=0)
    assert [path.name for path in figure.save(tmp_path)] == ["gallery.json"]


def test_classes_of_each_map_equal_scikit_learn(figures, examples, model, images):
    numbers = json.loads((figures / "gallery.json").read_text())
    deconvnet, labels = Deconvnet(load_model_file(model.path / "model.keras")), read_origins(examples, "validation").labels
    for layer in LAYERS:
        maxima = deconvnet.activations(images, [layer])[0].numpy().max(axis=(1, 2))
        found = numbers[layer]["answers"]
        assert numbers[layer]["auc_error"] == 0
        assert sorted(map(int, found)) == np.flatnonzero(maxima.max(axis=0) > 0).tolist()
        for unit, classes in found.items():
            aucs = [roc_auc_score(labels == label, maxima[:, int(unit)]) for label in range(len(examples.labels))]
            order = np.argsort(-np.array(aucs), kind="stable")[:3]
            np.testing.assert_allclose([each["auc"] for each in classes], np.array(aucs)[order], atol=1e-3)
            strongest = np.argsort(-maxima[:, int(unit)], kind="stable")
            for each in classes:
                label = list(examples.labels).index(each["class"])
                first = strongest[: (labels == label).sum()]
                assert each["counted"] == len(first)
                shared = (labels[first] == label) & (maxima[first, int(unit)] > 0)
                np.testing.assert_allclose(each["share"], shared.mean(), atol=1e-4)


def test_strongest_within_a_class(search_of, examples, model, images):
    deconvnet, origins = Deconvnet(load_model_file(model.path / "model.keras")), read_origins(examples, "validation")
    search, name = search_of(deconvnet), examples.labels[1]
    figure = draw_gallery(GalleryModel(search), ["conv2"], maps=3, seed=0, within=name)
    numbers = figure.numbers["conv2"]
    assert numbers["within"] == name
    everywhere = draw_gallery(GalleryModel(search, named={"conv2": [int(unit) for unit in numbers["maps"]]}), ["conv2"], maps=3, seed=0)
    titled, untitled = (each.pictures["gallery_conv2"] for each in (figure, everywhere))
    assert titled.shape[0] >= 2 * TITLE + HEADING + TILES[0]
    assert (titled[: 2 * TITLE] < 100).any()
    assert not (untitled[: 6 * GAP] < 100).any()
    members = np.flatnonzero(origins.labels == 1)
    maxima = deconvnet.activations(images, ["conv2"])[0].numpy().max(axis=(1, 2))
    aucs = [roc_auc_score(origins.labels == 1, column) for column in maxima.T]
    shown = [int(unit) for unit in numbers["maps"]]
    living = [unit for unit in np.argsort(-np.array(aucs), kind="stable").tolist() if maxima[members, unit].max() > 0]
    np.testing.assert_allclose([aucs[unit] for unit in shown], [aucs[unit] for unit in living[:3]], atol=1e-3)
    for unit, found in numbers["maps"].items():
        expected = [value for value in sorted(maxima[members, int(unit)], reverse=True)[:9] if value > 0]
        np.testing.assert_allclose([each["activation"] for each in found], expected, rtol=1e-4)
        assert {origins.ids.index(each["example"]) for each in found} <= set(members.tolist())
    with pytest.raises(ValueError, match="no images of a class 'nothing': they are of "):
        draw_gallery(GalleryModel(search), ["conv2"], maps=3, seed=0, within="nothing")


def test_examples_in_which_a_map_matters_beside_the_strongest(search_of, examples, model):
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    search = search_of(deconvnet)
    plain = draw_gallery(GalleryModel(search), ["conv5"], maps=4, seed=0)
    figure = draw_gallery(GalleryModel(search, labels=examples.labels), ["conv5"], maps=4, seed=0, matters=True)
    numbers, found = figure.numbers["conv5"], search.contributions(["conv5"])["conv5"]
    assert numbers["maps"] == plain.numbers["conv5"]["maps"]
    assert figure.pictures["gallery_conv5"].shape[1] > plain.pictures["gallery_conv5"].shape[1] / 2
    assert numbers["matters"]
    for unit, shown in numbers["matters"].items():
        contributions = [each["contribution"] for each in shown]
        assert contributions == sorted(contributions, reverse=True)
        np.testing.assert_allclose(contributions[0], found.contributions[int(unit), 0], rtol=1e-6)
        assert {each["predicted"] for each in shown} <= set(examples.labels)


def test_without_classes_there_are_no_answers_and_nothing_matters(search_of):
    net = Deconvnet(keras.Sequential([keras.Input((40, 56, 3)), keras.layers.Conv2D(3, 5, activation="relu", name="maps")]))
    search = ExampleSearch(net, image_set(net.model, np.random.default_rng(0).integers(0, 256, (5, 40, 56, 3), np.uint8)))
    assert search.answers("maps") is None
    assert "answers" not in draw_gallery(GalleryModel(search), ["maps"], maps=2, seed=0).numbers["maps"]
    with pytest.raises(ValueError, match="no classes to which units could contribute"):
        draw_gallery(GalleryModel(search), ["maps"], maps=2, seed=0, matters=True)
    with pytest.raises(ValueError, match="their classes are not known"):
        draw_gallery(GalleryModel(search), ["maps"], maps=2, seed=0, within="cat")


def test_a_checked_gallery_has_the_same_numbers_and_more(figures, search_of, model, images, examples):
    deconvnet = Deconvnet(load_model_file(model.path / "model.keras"))
    figure = draw_gallery(GalleryModel(search_of(deconvnet), checked=True), ["conv2"], maps=2, seed=0)
    numbers, plain = figure.numbers["conv2"], json.loads((figures / "gallery.json").read_text())["conv2"]
    mean = images.mean(axis=(0, 1, 2))
    ids = read_origins(examples, "validation").ids
    for unit, shown in numbers["maps"].items():
        assert [each["example"] for each in shown] == [each["example"] for each in plain["maps"][unit]]
        given = images[[ids.index(each["example"]) for each in shown]]
        expected = check_projection(deconvnet, given, "conv2", int(unit), [each["position"] for each in shown], fill=mean)
        np.testing.assert_allclose([each["check"]["fall"] for each in shown], expected.fall, atol=5e-3)
        np.testing.assert_allclose([each["check"]["fall_elsewhere"] for each in shown], expected.fall_elsewhere, atol=5e-3)
    strongest = {int(unit): shown[0] for unit, shown in numbers["maps"].items()}
    first = images[[ids.index(each["example"]) for each in strongest.values()]]
    layers = check_layers(deconvnet, first, "conv2", list(strongest), [each["position"] for each in strongest.values()])
    assert list(numbers["alike"]["above"]) == layers.layers == ["conv1", "conv2"]
    found = [list(numbers["alike"][kind][layer].values()) for kind in ("alone", "below") for layer in layers.layers]
    np.testing.assert_allclose(found, [*layers.alone, *layers.below], atol=1e-3)
    assert numbers["hidden"] == "the mean colour of DATA"
    # Two bars under each tile, and the note below all.
    picture = figure.pictures["gallery_conv2"]
    side = TILES[0]
    top, left = 6 * GAP + HEADING + side, 6 * GAP
    fall = next(iter(numbers["maps"].values()))[0]["check"]["fall"]
    assert np.all(picture[top, left : left + side] == MARKED, axis=-1).sum() == round(side * min(max(fall, 0), 1))
    json.dumps(figure.numbers, allow_nan=False)
