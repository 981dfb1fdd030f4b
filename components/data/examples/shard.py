"""One file of examples, and the metadata that lets TFDS read it, without TensorFlow: importing that costs a worker half a gigabyte.

Ref. https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from zfnet.components.storage.files import atomic_file, open_file

# For messages about a shard.
REPAIR = "Prepare the examples again: remove this file, and the next `zfnet run` does so by itself; or use `zfnet examples`."
TEXTS = ("class_name", "id", "photograph")  # those features of a record that are text


class Shard(NamedTuple):
    """One file that was written: its name, the number of its examples, its size in bytes, and the hex SHA-256 of its content."""

    file: str
    examples: int
    bytes: int
    sha256: str


class BrokenShardError(ValueError):
    """A file of examples is cut off or was altered."""


def shard_name(name: str, split: str, index: int, number: int) -> str:
    """The file name that TFDS gives to shard `index` of `number` of the data set `name`."""
    return f"{name}-{split}.tfrecord-{index:05d}-of-{number:05d}"


def write_shard(path: str | os.PathLike, examples: Iterable[dict]) -> Shard:
    """Writes examples to a file atomically, on any storage that Beam knows; the features of each example are those of `Examples`."""
    path = os.fspath(path)
    digest = hashlib.sha256()
    count = size = 0
    with atomic_file(path) as file:
        for example in examples:
            message = encode_example(example)
            length = struct.pack("<Q", len(message))
            record = b"".join((length, _checksum(length), message, _checksum(message)))
            file.write(record)
            digest.update(record)
            size += len(record)
            count += 1
    return Shard(path.rpartition("/")[2], count, size, digest.hexdigest())


def read_shard(path: str | os.PathLike) -> Iterator[dict]:
    """Yields the examples of a file in order, as `decode_example` gives them, one in memory at a time.

    Raises:
        BrokenShardError: the file ends within an example, or a checksum does not fit.
    """
    with open_file(os.fspath(path)) as file:
        while length := file.read(8):
            check = file.read(4)
            if check != _checksum(length):
                raise BrokenShardError(f"{path} is damaged: the checksum of a length is wrong. {REPAIR}")
            (size,) = struct.unpack("<Q", length)
            message, check = file.read(size), file.read(4)
            if check != _checksum(message):
                raise BrokenShardError(f"{path} is damaged or cut off: the checksum of an example is wrong. {REPAIR}")
            yield decode_example(message)


def _checksum(block: bytes) -> bytes:
    """The CRC-32C of TFRecords: rotated and shifted, since a plain one over data that holds checksums is weak."""
    value = google_crc32c.value(block)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def write_metadata(directory: os.PathLike, labels: list[str], side: int, splits: dict[str, dict]) -> None:
    """Writes TFDS's description of prepared examples, so that `tfds.builder_from_directory` reads them; arguments as in the manifest."""
    import numpy as np
    import tensorflow_datasets as tfds

    infos = []
    for split, found in splits.items():
        shards = [Shard(**shard) for shard in found["shards"]]
        payload = sum(shard.bytes - 16 * shard.examples for shard in shards)  # 16 bytes frame a record
        infos.append(tfds.core.SplitInfo(name=split, shard_lengths=[shard.examples for shard in shards], num_bytes=payload))
    features = {
        "image": tfds.features.Image(shape=(side, side, 3), encoding_format="jpeg"),
        "label": tfds.features.ClassLabel(names=labels),
        **{name: tfds.features.Text() for name in TEXTS},
        "box": tfds.features.Tensor(shape=(4,), dtype=np.int64),
    }
    tfds.folder_dataset.write_metadata(
        data_dir=directory,
        features=tfds.features.FeaturesDict(features),
        split_infos=infos,
        supervised_keys=("image", "label"),
        check_data=False,
    )


def encode_example(example: dict) -> bytes:
    """The example as a serialized `tf.train.Example`; equal examples give equal bytes."""
    message = _Example()
    feature = message.features.feature
    feature["image"].bytes_list.value.append(example["image"])
    feature["label"].int64_list.value.append(example["label"])
    for name in TEXTS:
        feature[name].bytes_list.value.append(example[name].encode())
    feature["box"].int64_list.value.extend(example["box"])
    return message.SerializeToString(deterministic=True)


def decode_example(serialized: bytes) -> dict:
    """The example that `encode_example` serialized; `box` as a list."""
    feature = _Example.FromString(serialized).features.feature
    return {
        "image": feature["image"].bytes_list.value[0],
        "label": feature["label"].int64_list.value[0],
        **{name: feature[name].bytes_list.value[0].decode() for name in TEXTS},
        "box": list(feature["box"].int64_list.value),
    }


# TensorFlow's example.proto, as far as it is used here.
_PROTO = """
name: "zfnet/example.proto" package: "zfnet" syntax: "proto3"
message_type { name: "BytesList" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_BYTES } }
message_type { name: "Int64List" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_INT64 } }
message_type {
  name: "Feature"
  field { name: "bytes_list" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".zfnet.BytesList" oneof_index: 0 }
  field { name: "int64_list" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".zfnet.Int64List" oneof_index: 0 }
  oneof_decl { name: "kind" }
}
message_type {
  name: "Features"
  field { name: "feature" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".zfnet.Features.FeatureEntry" }
  nested_type {
    name: "FeatureEntry"
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".zfnet.Feature" }
    options { map_entry: true }
  }
}
message_type { name: "Example" field { name: "features" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".zfnet.Features" } }
"""
_pool = descriptor_pool.DescriptorPool()  # one of its own, so that TensorFlow can be loaded beside it
_pool.Add(text_format.Parse(_PROTO, descriptor_pb2.FileDescriptorProto()))
_Example = message_factory.GetMessageClass(_pool.FindMessageTypeByName("zfnet.Example"))
