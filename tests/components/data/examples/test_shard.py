import hashlib

import pytest
import tensorflow as tf

from zfnet.components.data.examples.shard import BrokenShardError, read_shard, shard_name, write_shard


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
