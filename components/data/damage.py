"""Names the shard that is damaged where TensorFlow says only that a record is."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf
from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.data.examples.shard import REPAIR, BrokenShardError, read_shard


@contextlib.contextmanager
def named_damage(*many: Examples) -> Iterator[None]:
    """Replaces TensorFlow's error about a damaged or missing file, in the `with` statement, by one that names the file.

    The shards of the examples `many` are looked at only after such an error, up to the first that is damaged.

    Raises:
        BrokenShardError: a shard is damaged, cut off or gone.
    """
    try:
        yield
    except tf.errors.NotFoundError as error:
        for path in _shards(many):
            if not epath.Path(path).exists():
                raise BrokenShardError(f"{path} is gone. {REPAIR}") from error
        raise
    except tf.errors.DataLossError:
        for path in _shards(many):
            for _ in read_shard(path):  # raises if it is damaged
                pass
        raise


def _shards(many: tuple[Examples, ...]) -> Iterator[str]:
    for examples in many:
        for split in examples.read_json("manifest.json")["splits"]:
            yield from examples.shards(split)
