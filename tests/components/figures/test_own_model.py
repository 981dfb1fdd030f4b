import keras
import numpy as np
import pytest
import tensorflow as tf

import zfnet
from zfnet.components.data.batches import central_crops
from zfnet.components.inputs.centre_crop import read_centre_crop
from zfnet.components.inputs.keras_net import KerasNet


@pytest.fixture(scope="module")
def images(examples):
    return np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])[:, 8:48]


@pytest.fixture(scope="module")
def model(gratings_net):
    return gratings_net().model


def test_a_gallery_shows_the_strongest_images(model, images):
    figure = zfnet.gallery(model, images, "conv2", units=[5, 2])
    maxima = zfnet.Deconvnet(model).activations(images, ["conv2"])[0].numpy().max(axis=(1, 2))
    found = figure.numbers["conv2"]["maps"]
    assert list(found) == ["2", "5"]
    for unit, shown in found.items():
        assert [int(each["example"]) for each in shown] == np.argsort(-maxima[:, int(unit)])[: len(shown)].tolist()
    assert list(figure.pictures) == ["gallery_conv2"]


def test_a_projection_is_that_of_the_deconvnet(model, images):
    figure = zfnet.project(model, images[:2], "conv2", 3)
    activations = zfnet.Deconvnet(model).activations(images[:2], ["conv2"])[0].numpy()[..., 3]
    np.testing.assert_allclose([each["activation"] for each in figure.numbers["images"]], activations.max(axis=(1, 2)), rtol=1e-2)
    one = zfnet.project(model, images[0], "conv2", 3)
    assert one.numbers["images"] == figure.numbers["images"][:1]


def test_checks_of_projections(model, images):
    figure = zfnet.project(model, images[:2], "conv2", 3, check=True)
    expected = zfnet.check_projection(zfnet.Deconvnet(model), np.rint(images[:2]), "conv2", 3, fill=np.full(3, 128.0))
    np.testing.assert_allclose([each["check"]["fall"] for each in figure.numbers["images"]], expected.fall, atol=5e-3)
    assert figure.numbers["hidden"] == "128, since no mean is known"
    assert list(figure.numbers["alike"]["alone"]) == ["conv1", "conv2"]
    assert "check" not in zfnet.project(model, images[:2], "conv2", 3).numbers["images"][0]
    checked = zfnet.gallery(model, images, "conv2", units=[5], check=True).numbers["conv2"]
    assert set(checked["maps"]["5"][0]["check"]) == {"fall", "fall_elsewhere", "fifth"}
    signals = keras.Sequential([keras.Input((30, 1)), keras.layers.Conv1D(2, 5, activation="relu", name="conv")])
    for draw in (zfnet.project, zfnet.gallery):
        with pytest.raises(ValueError, match=r"`check` hides pixels of photographs, and the model 'sequential.*' takes none"):
            draw(signals, np.ones((2, 30, 1)), "conv", check=True)


def test_filters_without_images_are_those_of_the_first_layer(model, images):
    alone, measured = zfnet.filters(model), zfnet.filters(model, images)
    [one], [other] = alone.numbers["models"].values(), measured.numbers["models"].values()
    assert one["first_layer"]["aliased"] == other["first_layer"]["aliased"]
    assert (one["layers"], one["second_layer"]["not_drawn"]) == ({}, "no images were given")
    assert [verdict["measure"] for verdict in other["verdicts"]] == ["structure", "aliasing", "filter size", "dead maps", "spread"]
    assert list(other["layers"]) == ["conv1", "conv2"]


def test_occlusion_of_a_class_by_its_name(model, images, tmp_path):
    figure = zfnet.occlude(model, images[0], "b", labels=["a", "b", "c"], images=images, stride=8)
    assert (figure.numbers["class"], figure.numbers["class_is"]) == ("b", "given label")
    uncovered = float(np.asarray(model(np.rint(images[:1])))[0, 1])
    assert figure.numbers["probability"] == pytest.approx(uncovered, abs=1e-3)
    assert figure.numbers["projections_of_examples"]
    assert [path.name for path in figure.save(tmp_path)] == ["occlusion.png", "occlude.json"]


def built(*heads):
    """An untrained net of 40 x 56 pixels with these heads above its pooled maps."""
    layers, image = keras.layers, keras.Input((40, 56, 3))
    maps = layers.Conv2D(4, 5, activation="relu", name="maps")(layers.Rescaling(1 / 255)(image))
    pooled = layers.GlobalAveragePooling2D()(layers.MaxPooling2D(4)(maps))
    return keras.Model(image, [head(pooled) for head in heads])


def test_occlusion_of_one_sigmoid_is_that_of_two_classes(images):
    model = built(keras.layers.Dense(1, "sigmoid", name="dog"))
    second = float(np.ravel(model.predict(np.rint(images[:1]), verbose=0))[0])
    found = {
        label: zfnet.occlude(model, images[0], label, labels=labels, stride=16).numbers
        for label, labels in (("cat", ["cat", "dog"]), ("dog", ["cat", "dog"]), (1, ()))
    }
    assert [found[label]["probability"] for label in found] == pytest.approx([1 - second, second, second], abs=1e-5)
    assert found["cat"]["class"] == "cat"
    np.testing.assert_allclose(np.add(found["cat"]["probabilities"], found["dog"]["probabilities"]), 1, atol=1e-6)
    with pytest.raises(ValueError, match=r"no class '2'; expected a number from 0 to 1"):
        zfnet.occlude(model, images[0], 2)


@pytest.mark.parametrize("reverse", [False, True])
def test_occlusion_of_a_model_of_classes_and_boxes(images, reverse):
    heads = [keras.layers.Dense(3, "softmax", name="classes"), keras.layers.Dense(4, name="box")]
    model = built(*(heads[::-1] if reverse else heads))
    probabilities = np.asarray(model(np.rint(images[:1]))[1 if reverse else 0])[0]
    numbers = zfnet.occlude(model, images[0], stride=16).numbers
    assert numbers["class"] == f"class {probabilities.argmax()}"
    assert numbers["probability"] == pytest.approx(probabilities.max(), abs=1e-5)


def test_a_file_and_its_preprocessing(model, images, tmp_path):
    inputs = keras.Input((40, 56, 3))
    scaled = keras.Model(inputs, model(keras.layers.Rescaling(255.0)(inputs)))
    scaled.save(tmp_path / "scaled.keras")
    model.save(tmp_path / "model.keras")
    found = [
        zfnet.gallery(tmp_path / name, images, "conv1", units=[1], preprocessing=preprocessing).numbers["conv1"]["maps"]["1"][0]
        for name, preprocessing in (("model.keras", "raw"), ("scaled.keras", "unit"))
    ]
    assert found[0]["example"] == found[1]["example"]
    assert found[0]["activation"] == pytest.approx(found[1]["activation"], rel=1e-4)


def test_a_folder_and_a_data_set_are_images(model, images, folder):
    dataset = tf.data.Dataset.from_tensor_slices((images, np.zeros(len(images)))).batch(7)
    drawn = [zfnet.gallery(model, each, "conv2", units=[5]) for each in (images, dataset)]
    np.testing.assert_array_equal(*(figure.pictures["gallery_conv2"] for figure in drawn))
    best = zfnet.gallery(model, folder, "conv2", units=[5]).numbers["conv2"]["maps"]["5"][0]
    photograph = read_centre_crop(folder / best["example"], 56).central(40, 56)
    activation = zfnet.Deconvnet(model).activations(photograph[None].astype("float32"), ["conv2"])[0].numpy()[..., 5].max()
    assert best["activation"] == pytest.approx(activation, rel=1e-4)
    shuffled = tf.data.Dataset.from_tensor_slices(images).shuffle(100, seed=1).batch(7)
    with pytest.raises(ValueError, match="are they shuffled"):
        zfnet.gallery(model, shuffled, "conv2", units=[5])


def test_a_photograph_beside_its_projection_and_its_occlusion(model, folder):
    photograph = next(folder.rglob("*.png"))
    pixels = read_centre_crop(photograph, 56).central(40, 56)
    for draw in (lambda image: zfnet.project(model, image, "conv2", 3), lambda image: zfnet.occlude(model, image, 0, stride=20)):
        assert draw(photograph).numbers == draw(pixels).numbers
    with pytest.raises(ValueError, match="There are 90 images; expected one"):
        zfnet.occlude(model, folder)


def test_an_evolution_from_files(model, images, tmp_path):
    layer = model.get_layer("conv2")
    kernel, bias = layer.get_weights()
    try:
        for epoch, scale in ((1, 0.5), (2, 1.0)):
            layer.set_weights([kernel * scale, bias * scale])
            model.save(tmp_path / f"epoch_{epoch}.keras")
    finally:
        layer.set_weights([kernel, bias])
    files = sorted(tmp_path.glob("*.keras"))
    figure = zfnet.evolution(files, images, "conv2", units=[5, 2])
    assert figure.numbers["columns"] == ["epoch_1", "epoch_2"]
    maxima = zfnet.Deconvnet(model).activations(images, ["conv2"])[0].numpy().max(axis=(0, 1, 2))
    for unit, moments in figure.numbers["layers"]["conv2"]["maps"].items():
        assert [each["activation"] for each in moments] == pytest.approx(maxima[int(unit)] * np.array([0.5, 1]), rel=1e-4)
    assert figure.save(tmp_path / "evolution.png")[0].exists()
    assert len(zfnet.evolution({"a": files[0], "b": model}, images, "conv2", maps=3).numbers["layers"]["conv2"]["maps"]) == 3
    for models, words in (([model], "There is 1 model"), ([model, built(keras.layers.Dense(2))], "takes images|no layer")):
        with pytest.raises(ValueError, match=words):
            zfnet.evolution(models, images, "conv2")


def test_a_net_of_keras_by_name():
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3))
    name = "keras:MobileNet?weights=none"
    numbers = zfnet.project(name, pixels, "conv_pw_2_relu", 3).numbers["images"][0]
    keras_net = KerasNet.of(name).open()
    inside = keras.Model(
        keras_net.get_layer("mobilenet_1.00_224").input, keras_net.get_layer("mobilenet_1.00_224").get_layer("conv_pw_2_relu").output
    )
    activations = inside(keras.applications.mobilenet.preprocess_input(np.rint(pixels)))
    assert numbers["activation"] == pytest.approx(float(np.max(activations[0, :, :, 3])), rel=1e-4)
    with pytest.raises(ValueError, match="has its own preprocessing, tf, not caffe: leave"):
        zfnet.filters(name, preprocessing="caffe")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model, images: zfnet.gallery(model, images, "conv9"), "no layer 'conv9'"),
        (
            lambda model, images: zfnet.gallery(model, images, "conv1", units=[16]),
            "There is no unit 16 in layer 'conv1'; it has units 0 to 15",
        ),
        (lambda model, images: zfnet.project(model, images, "conv1", 16), "There is no unit 16"),
        (lambda model, images: zfnet.occlude(model, images[0], "dog", labels=["a", "b", "c"]), "The model has no class 'dog'"),
        (lambda model, images: zfnet.occlude(model, images), r"There are \d+ images; expected one, \(height, width, 3\), or the path"),
        (lambda model, images: zfnet.filters(keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])), "no Conv2D layer"),
    ],
)
def test_wrong_use(model, images, call, words):
    with pytest.raises(ValueError, match=words):
        call(model, images)


def test_a_class_by_its_number_where_names_are_numbers(model, images):
    by_number, by_name = (zfnet.occlude(model, images[0], label, labels=["1", "2", "0"], stride=16) for label in (1, "1"))
    assert (by_number.numbers["class"], by_name.numbers["class"]) == ("2", "1")


def test_labels_are_as_many_as_classes(model, images):
    for figure in (lambda: zfnet.occlude(model, images[0], labels=["a"]), lambda: zfnet.gallery(model, images, "conv2", labels=["a"])):
        with pytest.raises(ValueError, match=r"There are 1 labels; expected 3, a name for each class of the model\."):
            figure()
