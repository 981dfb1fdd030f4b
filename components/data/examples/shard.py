"""Writes and reads one file of examples, and the metadata that lets TFDS read it, without TensorFlow."""

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import google_crc32c

from zfnet.components.data.examples.example_record import decode_example, encode_example
from zfnet.components.storage.files import atomic_file, open_file


@dataclass(frozen=True)
class Shard:
    """One file that was written.

    Args:
        file: its name.
        examples: the number of examples in it.
        bytes: its size.
        sha256: hex SHA-256 of its content.
    """

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
    """Writes examples beside `path` and then renames, so that `path` is whole or does not exist.

    Args:
        path: the file to write, on any storage that Beam knows.
        examples: the features of each, see `encode_example`.

    Returns:
        What was written.
    """
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
    """Yields the examples of one file in order, one in memory at a time.

    Args:
        path: a file that `write_shard` or TFDS wrote.

    Yields:
        The features of each example: as `decode_example` gives them.

    Raises:
        BrokenShardError: the file ends within an example, or a checksum does not fit.
    """
    with open_file(os.fspath(path)) as file:
        while length := file.read(8):
            check = file.read(4)
            if check != _checksum(length):
                raise BrokenShardError(f"{path} is damaged: the checksum of a length is wrong. Prepare the examples again.")
            (size,) = struct.unpack("<Q", length)
            message, check = file.read(size), file.read(4)
            if check != _checksum(message):
                raise BrokenShardError(f"{path} is damaged or cut off: the checksum of an example is wrong. Prepare the examples again.")
            yield decode_example(message)


def _checksum(block: bytes) -> bytes:
    """The CRC-32C of TFRecords: rotated and shifted, since a plain one over data that holds checksums is weak."""
    value = google_crc32c.value(block)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def write_metadata(directory: os.PathLike, labels: list[str], side: int, splits: dict[str, list[Shard]]) -> None:
    """Writes TFDS's description of prepared examples, so that `tfds.builder_from_directory` reads them.

    Args:
        directory: where the shards lie.
        labels: names of the classes.
        side: side of every image, pixels.
        splits: the shards of each split, in order.
    """
    import numpy as np
    import tensorflow_datasets as tfds

    infos = []
    for split, shards in splits.items():
        payload = sum(shard.bytes - 16 * shard.examples for shard in shards)  # 16 bytes frame a record
        infos.append(tfds.core.SplitInfo(name=split, shard_lengths=[shard.examples for shard in shards], num_bytes=payload))
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(side, side, 3), encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(names=labels),
            "class_name": tfds.features.Text(),
            "id": tfds.features.Text(),
            "photograph": tfds.features.Text(),
            "box": tfds.features.Tensor(shape=(4,), dtype=np.int64),
        }
    )
    tfds.folder_dataset.write_metadata(
        data_dir=directory, features=features, split_infos=infos, supervised_keys=("image", "label"), check_data=False
    )
