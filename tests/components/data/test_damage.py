import os
import pathlib
import shutil

import keras
import pytest
import tensorflow as tf

from zfnet.components.artifacts import Examples, Model
from zfnet.components.data.batches import central_crops, model_batches, read_origins
from zfnet.components.data.damage import named_damage
from zfnet.components.data.examples.shard import BrokenShardError, read_shard, write_shard
from zfnet.components.evaluation.answers import answer_split
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.trainer import train


@pytest.fixture
def damaged(examples, tmp_path):
    """Copies examples and flips a bit in the middle of the last shard of a split; returns the copy and the path of that shard."""

    def damage(split: str) -> tuple[Examples, str]:
        shutil.copytree(examples.path, tmp_path / split)
        copy = Examples(tmp_path / split)
        shard = pathlib.Path(copy.shards(split)[-1])
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 1
        shard.write_bytes(content)
        return copy, str(shard)

    return damage


def is_named(error: pytest.ExceptionInfo, shard: str) -> bool:
    return str(error.value).startswith(f"{shard} is damaged") and "Prepare the examples again: remove this file" in str(error.value)


def tiny_net(examples: Examples) -> keras.Model:
    image = keras.Input((examples.image_size, examples.image_size, 3))
    return keras.Model(image, keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(image)))


def test_origins(damaged):
    copy, shard = damaged("train")
    assert len(read_origins(copy, "validation").ids) == copy.count("validation")
    with pytest.raises(BrokenShardError) as error:
        read_origins(copy, "train")
    assert is_named(error, shard)


def test_images_of_a_model(damaged):
    copy, shard = damaged("validation")
    image_input = ImageInput(copy.side, copy.side, False)
    with pytest.raises(BrokenShardError) as error:
        list(model_batches(copy, "validation", image_input, ""))
    assert is_named(error, shard)


def test_evaluation(damaged):
    copy, shard = damaged("validation")
    with pytest.raises(BrokenShardError) as error:
        answer_split([Probabilities(tiny_net(copy), copy)], "validation")
    assert is_named(error, shard)


def test_evaluation_of_fewer_examples_than_there_should_be(examples, tmp_path):
    shutil.copytree(examples.path, tmp_path / "cut")
    copy = Examples(tmp_path / "cut")
    kept = list(read_shard(copy.shards("validation")[-1]))[:-1]
    write_shard(copy.shards("validation")[-1], kept)  # cut off where a record ends, so that no checksum is wrong
    with pytest.raises(ValueError, match=f"fewer examples in validation than the {copy.count('validation')} of its manifest"):
        answer_split([Probabilities(tiny_net(copy), copy)], "validation")


@pytest.mark.parametrize("split", ["train", "validation"])
def test_training(damaged, statistics, tmp_path, split):
    copy, shard = damaged(split)
    (tmp_path / "model").mkdir()
    places = {"checkpoints": str(tmp_path / "checkpoints"), "tensorboard": str(tmp_path / "tensorboard")}
    with pytest.raises(BrokenShardError) as error:
        train(copy, statistics, Model(tmp_path / "model"), **places, architecture="zfnet-small", epochs=1, batch_size=16)
    assert is_named(error, shard)


def test_a_shard_that_is_gone(damaged):
    copy, shard = damaged("train")
    os.unlink(shard)  # noqa: PTH108
    with pytest.raises(BrokenShardError, match=rf"{shard} is gone. Prepare the examples again"):
        read_origins(copy, "train")


def test_other_errors_stay(examples):
    with pytest.raises(tf.errors.NotFoundError, match="elsewhere"), named_damage(examples):
        next(iter(tf.data.TFRecordDataset("elsewhere")))
    with pytest.raises(KeyError), named_damage(examples):
        raise KeyError("something else")
    with named_damage(examples):
        assert len(list(central_crops(examples, "train", size=8, batch_size=64)))
