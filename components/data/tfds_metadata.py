"""What TFDS needs to read the shards: `dataset_info.json` and `features.json`."""

import os

from zfnet.components.data.shard import Shard


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
