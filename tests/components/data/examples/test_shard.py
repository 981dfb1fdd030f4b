import hashlib

import pytest
import tensorflow as tf

from zfnet.components.data.examples.shard import BrokenShardError, decode_example, encode_example, read_shard, shard_name, write_shard

EXAMPLE = {
    "image": b"\xff\xd8\x00picture",
    "label": 3,
    "class_name": "개",
    "id": "개/1.jpg",
    "photograph": "개/1.jpg",
    "box": [0, 5, 100, 105],
}


def examples(number: int) -> list[dict]:
    return [
        {"image": bytes([i]) * (100 + i), "label": i, "class_name": "a", "id": f"a/{i}", "photograph": f"a/{i}", "box": [i, 0, i + 9, 9]}
        for i in range(number)
    ]


def test_what_is_written_is_read(tmp_path):
    shard = write_shard(tmp_path / "file", examples(5))
    assert list(read_shard(tmp_path / "file")) == examples(5)
    content = (tmp_path / "file").read_bytes()
    assert (shard.file, shard.examples, shard.bytes) == ("file", 5, len(content))
    assert shard.sha256 == hashlib.sha256(content).hexdigest()


def test_a_shard_may_be_empty(tmp_path):
    assert write_shard(tmp_path / "file", []).examples == 0
    assert list(read_shard(tmp_path / "file")) == []


def test_tensorflow_reads_it(tmp_path):
    write_shard(tmp_path / "file", examples(3))
    records = [tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(tmp_path / "file"))]
    assert [record.features.feature["id"].bytes_list.value[0] for record in records] == [b"a/0", b"a/1", b"a/2"]


def test_what_tensorflow_writes_is_read(tmp_path):
    write_shard(tmp_path / "ours", examples(3))
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for record in tf.data.TFRecordDataset(str(tmp_path / "ours")):
            writer.write(record.numpy())
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "ours").read_bytes()


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    write_shard(tmp_path / "file", examples(1))
    before = (tmp_path / "file").read_bytes()

    def failing():
        yield from examples(2)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_shard(tmp_path / "file", failing())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == before


@pytest.mark.parametrize("cut", [1, 5, 14, 60, 200])
def test_a_shard_that_was_cut_off_is_not_taken_for_whole(tmp_path, cut):
    write_shard(tmp_path / "file", examples(2))
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:-cut])
    with pytest.raises(BrokenShardError, match=r"file is damaged.*Prepare the examples again"):
        list(read_shard(tmp_path / "file"))


@pytest.mark.parametrize("place", [3, 9, 40, -2])
def test_a_shard_that_was_altered_is_not_read(tmp_path, place):
    write_shard(tmp_path / "file", examples(1))
    content = bytearray((tmp_path / "file").read_bytes())
    content[place] ^= 1
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(BrokenShardError, match="damaged"):
        list(read_shard(tmp_path / "file"))


def test_names_are_those_of_tfds():
    assert shard_name("flowers", "train", 3, 12) == "flowers-train.tfrecord-00003-of-00012"


def test_what_is_encoded_is_decoded():
    assert decode_example(encode_example(EXAMPLE)) == EXAMPLE


def test_zero_and_negative_numbers_survive():
    example = {**EXAMPLE, "label": -1, "box": [0, 0, 0, 0]}
    assert decode_example(encode_example(example)) == example


def test_tensorflow_reads_a_record():
    feature = tf.train.Example.FromString(encode_example(EXAMPLE)).features.feature
    assert feature["image"].bytes_list.value == [EXAMPLE["image"]]
    assert feature["label"].int64_list.value == [3]
    assert feature["id"].bytes_list.value == ["개/1.jpg".encode()]
    assert feature["box"].int64_list.value == [0, 5, 100, 105]


def test_a_record_that_tensorflow_writes_is_read():
    message = tf.train.Example()
    message.features.feature["box"].int64_list.value.extend([1, 2, 3, 4])
    message.features.feature["label"].int64_list.value.append(0)
    message.features.feature["weight"].float_list.value.append(0.5)
    for name in ("image", "class_name", "id", "photograph"):
        message.features.feature[name].bytes_list.value.append(name.encode())
    expected = {"image": b"image", "label": 0, "class_name": "class_name", "id": "id", "photograph": "photograph", "box": [1, 2, 3, 4]}
    assert decode_example(message.SerializeToString()) == expected


def test_equal_examples_give_equal_bytes():
    backwards = dict(reversed(EXAMPLE.items()))
    assert encode_example(backwards) == encode_example(EXAMPLE)
