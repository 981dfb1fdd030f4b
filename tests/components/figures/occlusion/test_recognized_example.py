import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.occlusion.draw import DETAIL, _contrast, default_square, recognized_example
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.inputs.model_file import load_model_file
from zfnet.model import Deconvnet
from zfnet.model.net.layers import MeanImage

SIDE = 48
THING = 255, 0, 128


def choose(deconvnet, examples, layer, seed):
    return recognized_example(deconvnet, ImageSet.of_examples(deconvnet.model, examples), layer, seed)


def test_it_is_one_that_the_model_tells_rightly_and_the_same_for_the_same_seed(examples, model):
    net = load_model_file(model.path / "model.keras")
    (images, classes, _), *_ = central_crops(examples, "validation", size=56, batch_size=1000).as_numpy_iterator()
    right = np.asarray(net(images)).argmax(axis=1) == classes
    assert right.any()
    ids = read_origins(examples, "validation")[2]
    found = [choose(Deconvnet(net), examples, "conv5", seed) for seed in (0, 0, 1)]
    assert found[0].name == found[1].name
    for each in found:
        number = ids.index(each.name)
        assert right[number]
        assert each.class_number == classes[number]
        np.testing.assert_array_equal(each.image, images[number].astype(np.uint8))


def test_of_a_model_that_tells_none_it_is_any(examples):
    # It always answers a class that the data does not have.
    answer = keras.layers.Dense(4, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant([0, 0, 0, 1]))
    layers = [keras.layers.Conv2D(1, 1, name="maps"), keras.layers.Flatten(), answer]
    net = keras.Sequential([keras.Input((56, 56, 3)), *layers])
    found = [choose(Deconvnet(net), examples, "maps", seed) for seed in range(4)]
    assert {each.name for each in found} <= set(read_origins(examples, "validation")[2])
    assert len({each.name for each in found}) > 1
    assert {each.chosen for each in found} == {None}


@pytest.fixture(scope="module")
def red_net():
    """Tells a thing by the reddest pixel; where there is one that is not red, only by the reddest of all."""
    inputs = keras.Input((SIDE, SIDE, 3))
    maps = keras.layers.Conv2D(2, 1, activation="relu", name="maps")(MeanImage(name="mean")(inputs))
    pooled = keras.layers.GlobalMaxPooling2D(name="pool")(maps)
    net = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="classes")(pooled))
    net.get_layer("mean").set_weights([np.full((SIDE, SIDE, 3), 128)])  # So that the square is of the colour of the ground.
    net.get_layer("maps").set_weights([np.array([[[[1.0, -1], [-1, 0], [0, 0]]]]), np.array([0.0, 72])])
    net.get_layer("classes").set_weights([np.array([[0.2, 0], [-0.63, 0]]), np.zeros(2)])
    return Deconvnet(net)


def pictures():
    """By name; all are said to be of the thing."""
    ground = np.full((SIDE, SIDE, 3), 128, np.uint8)
    corner, twice = ground.copy(), ground.copy()
    corner[38:44, 2:8] = 255, 28, 128  # Less of a thing: without the other, P is 0.5.
    corner[2:8, 38:44] = twice[2:8, 38:44] = twice[38:44, 2:8] = THING
    # Any square in it is the only thing that is not red.
    red = np.full_like(ground, (228, 28, 128))
    # A small thing in much that is as rich in contrast, and no less red than the ground.
    texture = np.random.default_rng(0).integers(128, 256, (SIDE, SIDE, 1), np.uint8).repeat(3, axis=2)
    texture[22:25, 22:25], texture[40:43, 22:25] = THING, (255, 38, 128)  # Without the first, P is 0.1.
    # As the corner, but so pale that nobody sees what is covered.
    pale = ground.copy()
    pale[2:8, 38:44] = 158, 120, 128
    return {"corner": corner, "twice": twice, "red": red, "texture": texture, "nothing": ground, "pale": pale}


@pytest.fixture
def planted(tmp_path):
    def make(*names: str) -> Examples:
        features, chosen = tf.train.Features, {name: pictures()[name] for name in names}
        with tf.io.TFRecordWriter(str(tmp_path / "shard")) as writer:
            for name, picture in chosen.items():
                encoded = io.BytesIO()
                Image.fromarray(picture).save(encoded, "JPEG", quality=100, subsampling="4:4:4")
                texts = {"image": encoded.getvalue(), "id": name.encode(), "photograph": name.encode()}
                record = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text])) for key, text in texts.items()}
                for key, numbers in {"label": [0], "box": [0, 0, SIDE, SIDE]}.items():
                    record[key] = tf.train.Feature(int64_list=tf.train.Int64List(value=numbers))
                writer.write(tf.train.Example(features=features(feature=record)).SerializeToString())
        splits = {"validation": {"examples": len(names), "shards": [{"file": "shard"}]}}
        manifest = {"name": "planted", "labels": ["thing", "other"], "side": SIDE, "image_size": SIDE, "splits": splits}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        return Examples(tmp_path)

    return make


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_one_whose_answer_rests_on_one_thing(red_net, planted, seed):
    found = choose(red_net, planted("nothing", "corner", "red", "texture", "twice"), "maps", seed)
    assert (found.name, found.class_number, found.class_source) == ("corner", 0, "true label")
    # A corner and two of them are details; the texture has none, and `nothing` is not recognised.
    assert found.chosen == "of 2 recognised validation examples, the one whose P falls the most where one thing is covered"


def test_without_a_detail_it_is_one_that_falls_at_some_place_rather_than_everywhere(red_net, planted):
    found = [choose(red_net, planted("red", "texture"), "maps", seed) for seed in range(4)]
    assert {each.name for each in found} == {"texture"}
    assert found[0].chosen.startswith("of 2 recognised")


def test_what_all_fall_alike_is_not_said_to_be_chosen(red_net, planted):
    found = choose(red_net, planted("nothing"), "maps", 0)
    assert (found.name, found.chosen) == ("nothing", None)


def test_a_detail_that_nobody_sees_is_none():
    square = default_square(ImageInput(SIDE, SIDE, False))
    contrasts = {name: _contrast(picture, square, square).max() for name, picture in pictures().items()}
    assert contrasts["corner"] > DETAIL
    assert contrasts["pale"] == contrasts["nothing"] == 0
