"""The TFDS data set `photo_patches`. Importing this registers it with TFDS."""

from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds
from etils import epath

from zfnet.components.data.sources.patches import PATCHES, cut_patches
from zfnet.components.data.sources.photographs import PHOTO_PATCHES_VERSION, PHOTOGRAPHS


class PhotoPatches(tfds.core.GeneratorBasedBuilder):
    """Square patches of 15 photographs, labelled with the photograph that each was cut from; nothing is downloaded."""

    VERSION = tfds.core.Version(PHOTO_PATCHES_VERSION)
    code_path = epath.Path(__file__)  # TFDS would look for it in `zfnet`, which is no directory when the package is installed editable

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Square patches of the photographs inside the scikit-image and scikit-learn packages. Training patches come from "
            "the left 70 % of a photograph's columns, validation patches from the right 30 %; no pixel is in both.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg"),
                    "label": tfds.features.ClassLabel(names=[photograph.name for photograph in PHOTOGRAPHS]),
                    "id": tfds.features.Text(),
                    "photograph": tfds.features.Text(),
                    "box": tfds.features.Tensor(shape=(4,), dtype=np.int64),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {split: self._generate_examples(split) for split in PATCHES}

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict]]:
        for photograph in PHOTOGRAPHS:
            for example in cut_patches(photograph, split):
                yield example["id"], example
